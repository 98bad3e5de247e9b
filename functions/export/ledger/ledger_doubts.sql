-- Conversions of which a person is to say whether the platform has them.
WITH
{{ standing }}
SELECT
  standing.conversion_id AS row_id,
  standing.conversion_date AS row_date,
  TRUE AS row_missing,
  {{ known }},
  CAST(NULL AS TIMESTAMP) AS gone_at
FROM standing
WHERE standing.state = 'ambiguous' AND standing.doubted_op IS NOT NULL
ORDER BY row_date, row_id
