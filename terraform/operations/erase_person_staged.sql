DELETE FROM {{ table }} AS held
WHERE
  {{ mentioned }}
  -- in a column of any name, as a value by itself
  OR EXISTS (
    SELECT 1
    FROM UNNEST(@ids) AS id
    WHERE LENGTH(id) >= {{ shortest }} AND STRPOS(LOWER(TO_JSON_STRING(held)), CONCAT('"', LOWER(id), '"')) > 0
  )
