-- The newest summary of each conversion, and how far its version is up to date: a backfill of days
-- long past may have written it.
SELECT
  entry.conversion, entry.recent, entry.recorded_at,
  MAX(entry.end_date) OVER (PARTITION BY entry.conversion, entry.definition_version) AS end_date
FROM {{ runs }} AS entry
WHERE entry.date >= @since AND entry.conversion <> '' AND entry.status IN UNNEST(@done)
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry.conversion ORDER BY entry.recorded_at DESC, entry.run_id) = 1
