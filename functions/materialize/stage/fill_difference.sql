CREATE OR REPLACE TABLE {{ difference }} AS
WITH
made AS (
  -- the rows as the export says now
{{ fresh }}
),
fresh AS (
  -- the rows of the scan with a fingerprint of each
  SELECT spelled.* EXCEPT (row_text), {{ fingerprint }} AS row_hash
  FROM (
    SELECT
      {{ columns }},
      {{ row_text }} AS row_text
    FROM made
  ) AS spelled
),
present AS (
  -- the rows that the table holds of these days and of the later visits
  SELECT
    target.{{ key }},
    target.date,
    target.row_hash,
    {{ is_told }} AS is_told
  FROM {{ target }} AS target
  WHERE target.date BETWEEN @start_date AND {{ last }} AND ((target.date <= @end_date {{ which }}) {{ later }})
)
SELECT
  COALESCE(fresh.{{ key }}, present.{{ key }}) AS {{ key }},
  COALESCE(fresh.date, present.date) AS date,
  {{ values }},
  fresh.row_hash,
  present.date AS old_date,
  CASE WHEN present.{{ key }} IS NULL THEN 'insert' WHEN fresh.{{ key }} IS NULL THEN 'delete' ELSE 'update' END AS change
FROM fresh
FULL OUTER JOIN present ON present.{{ key }} = fresh.{{ key }}
WHERE
  -- what came in a table that is gone by now, deleted or expired, stays counted
  (fresh.{{ key }} IS NULL AND present.is_told)
  OR (fresh.{{ key }} IS NOT NULL AND (present.{{ key }} IS NULL OR fresh.row_hash <> present.row_hash))
