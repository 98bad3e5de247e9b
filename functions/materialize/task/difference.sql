CREATE OR REPLACE TABLE {{ difference }} AS
WITH
{{ fresh }},
present AS (
  -- what the window holds
  SELECT target.date, target.row_hash, target.first_seen_at, target.definition_version, {{ remembered }}
  FROM {{ target }} AS target
  WHERE target.date BETWEEN @earliest_date AND @end_date
){{ compared }}
SELECT
  COALESCE(fresh.id, present.id) AS id,
  COALESCE(fresh.date, present.date) AS date,
  {{ values }},
  {{ person_key }} AS person_key,
  {{ client_key }} AS client_key,
  @version AS definition_version,
  @run_id AS run_id,
  @fence AS fence,
  fresh.row_hash,
  COALESCE(present.first_seen_at, CURRENT_TIMESTAMP()) AS first_seen_at,
  CURRENT_TIMESTAMP() AS updated_at,
  CASE WHEN present.id IS NULL THEN 'insert' WHEN fresh.id IS NULL THEN 'delete' ELSE 'update' END AS change,
  present.date AS old_date,
  present.value AS old_value,
  present.value_refunded AS old_refunded,
  present.normalization_factor AS old_factor,
  present.is_qualified AS old_qualified,
  present.definition_version AS old_version,
  IF(present.id IS NULL, NULL, STRUCT({{ before }})) AS old_row
{{ changed }}
