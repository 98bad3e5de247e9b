OR (
      target.date > @end_date
      AND CONCAT(target.property, '/', target.session_id)
        IN (
          SELECT CONCAT(visited.property, '/', visited.session_id)
          FROM {{ visited }} AS visited
          WHERE visited.date > @end_date
        )
    )
