  SELECT visited.*
  FROM {{ visited }} AS visited
  WHERE visited.date BETWEEN @start_date AND @end_date
