SELECT
  entry.definition_id AS conversion,
  entry.change,
  entry.cause,
  COUNT(*) AS rows_,
  SUM(COALESCE(entry.new_value, 0) - COALESCE(entry.old_value, 0)) AS value_change
FROM {{ source }} AS entry
WHERE entry.date > DATE '2000-01-01'
GROUP BY entry.definition_id, entry.change, entry.cause
ORDER BY entry.definition_id, entry.change, entry.cause
