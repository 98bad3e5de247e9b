-- Rows that came, went and changed in the days, by conversion, kind of change and cause.
SELECT
  entry.definition_id AS conversion,
  entry.change,
  entry.cause,
  COUNT(*) AS `rows`,
  SUM(COALESCE(entry.new_value, 0) - COALESCE(entry.old_value, 0)) AS value
FROM {{ source }} AS entry
WHERE entry.date BETWEEN @start_date AND @end_date
GROUP BY conversion, entry.change, entry.cause
ORDER BY conversion, entry.change, entry.cause
