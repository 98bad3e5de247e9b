CREATE OR REPLACE TABLE {{ difference }} AS
WITH
fresh AS (
  -- the events of the scan with a fingerprint of each row
  SELECT told.* EXCEPT (row_text), {{ fingerprint }} AS row_hash
  FROM (
    SELECT
      {{ columns }},
      {{ row_text }} AS row_text
    FROM {{ scanned }} AS scanned
  ) AS told
),
present AS (
  -- the events that the stage holds of these days
  SELECT target.event_key, target.date, target.row_hash
  FROM {{ target }} AS target
  WHERE target.date BETWEEN @start_date AND @end_date AND target.event_name IN UNNEST(@event_names)
)
SELECT
  COALESCE(fresh.event_key, present.event_key) AS event_key,
  COALESCE(fresh.date, present.date) AS date,
  {{ values }},
  fresh.row_hash,
  present.date AS old_date,
  CASE WHEN present.event_key IS NULL THEN 'insert' WHEN fresh.event_key IS NULL THEN 'delete' ELSE 'update' END AS change
FROM fresh
FULL OUTER JOIN present ON present.event_key = fresh.event_key
WHERE fresh.event_key IS NULL OR present.event_key IS NULL OR fresh.row_hash <> present.row_hash
