OR (
      target.date BETWEEN DATE_ADD(@end_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL 93 DAY)
      AND CONCAT(target.property, '/', target.session_id)
        IN (SELECT visited.visit_key FROM {{ visited }} AS visited WHERE visited.date > @end_date)
    )
