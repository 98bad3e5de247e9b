-- Ids that are missing, repeated, or stand for nobody.
WITH counted AS (
  SELECT answer.{{ id }} AS id, COUNT(*) AS times
  FROM {{ answer }} AS answer
  GROUP BY 1
)
SELECT
  COALESCE(SUM(IF(counted.id IS NULL OR counted.id = '', counted.times, 0)), 0) AS missing,
  COUNTIF(counted.times > 1 AND counted.id != '' AND LOWER(TRIM(counted.id)) NOT IN UNNEST(@nobody)) AS repeated,
  COALESCE(SUM(IF(LOWER(TRIM(counted.id)) IN UNNEST(@nobody), counted.times, 0)), 0) AS placeholders,
  COALESCE(SUM(IF(REGEXP_CONTAINS(counted.id, r'[^@ ]@[^@ ]+[.]'), counted.times, 0)), 0) AS addresses
FROM counted
