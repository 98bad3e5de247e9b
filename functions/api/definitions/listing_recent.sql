-- The newest summary of each conversion, and how far the run that wrote it went.
SELECT entry.conversion, entry.recent, entry.recorded_at, entry.end_date
FROM {{ runs }} AS entry
WHERE entry.date >= @since AND entry.conversion <> '' AND entry.status IN UNNEST(@done)
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry.conversion ORDER BY entry.recorded_at DESC, entry.run_id) = 1
