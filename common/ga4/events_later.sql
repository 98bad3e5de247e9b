  SELECT {{ columns }}
  FROM {{ target }} AS target
  INNER JOIN {{ visited }} AS visited
    ON visited.property = target.property AND visited.session_id = target.session_id
  WHERE
    target.date BETWEEN DATE_ADD(@end_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL 93 DAY)
    AND visited.date > @end_date
