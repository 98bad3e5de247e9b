SELECT
  change.definition_id AS conversion,
  change.change,
  change.cause,
  COUNT(*) AS rows_,
  SUM(COALESCE(change.new_value, 0) - COALESCE(change.old_value, 0)) AS value_change
FROM {{ source }} AS change
WHERE change.date > DATE '2000-01-01'
GROUP BY change.definition_id, change.change, change.cause
ORDER BY change.definition_id, change.change, change.cause
