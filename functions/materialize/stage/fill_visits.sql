  SELECT visited.*
  FROM {{ visited }} AS visited
  WHERE visited.date >= @start_date
