OR (
      target.date > @end_date
      AND CONCAT(target.property, '/', target.session_id)
        IN (SELECT visited.visit_key FROM {{ visited }} AS visited WHERE visited.date > @end_date)
    )
