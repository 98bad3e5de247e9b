-- The newest entry of each conversion that ended, one way or another.
SELECT
  entry.conversion, entry.run_id, entry.recorded_at, entry.status, entry.start_date, entry.end_date,
  entry.rows_total, entry.value_total, entry.duplicates, entry.quarantined, entry.detail
FROM {{ runs }} AS entry
WHERE
  entry.date >= DATE_SUB(DATE(@now), INTERVAL @days DAY)
  AND entry.conversion <> ''
  AND (@id = '' OR entry.conversion = @id)
  AND entry.status IN UNNEST(@finished)
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry.conversion ORDER BY entry.recorded_at DESC, entry.run_id) = 1
