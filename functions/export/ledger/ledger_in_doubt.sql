-- Conversions of which a person is to say whether the platform has them.
WITH
{{ delivery_state }}
SELECT
  delivery_state.conversion_id AS row_id,
  delivery_state.conversion_date AS row_date,
  TRUE AS row_missing,
  {{ known }},
  CAST(NULL AS TIMESTAMP) AS gone_at
FROM delivery_state
WHERE delivery_state.state = 'ambiguous' AND delivery_state.in_doubt_op IS NOT NULL
ORDER BY row_date, row_id
