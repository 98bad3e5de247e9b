  -- of the rows that several definitions read together those that this one counts
  SELECT row_.* EXCEPT (counted_by)
  FROM {{ together }} AS row_
  WHERE @conversion IN UNNEST(row_.counted_by)
