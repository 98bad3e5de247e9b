  -- the key of a visit is put together where it is stored: two statements more read the rest
  SELECT visited.*, CONCAT(visited.property, '/', visited.session_id) AS visit_key
  FROM {{ visited }} AS visited
  WHERE visited.date >= @start_date
