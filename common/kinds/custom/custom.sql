  -- the answer of the user's query, each row as a candidate
  SELECT
  CAST(ROW_NUMBER() OVER (ORDER BY answer.created, answer.id) AS STRING) AS event_key,
  {{ columns }}
  FROM {{ raw }} AS answer
