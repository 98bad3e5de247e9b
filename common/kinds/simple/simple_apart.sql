  -- of the rows that several definitions read together those that this one counts
  SELECT row_.*
  FROM {{ together }} AS row_
  WHERE STRPOS(row_.counted_by, @counting) > 0
