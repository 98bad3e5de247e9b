SELECT entry.start_date, entry.end_date, entry.message, entry.recorded_at
FROM {{ runs }} AS entry
WHERE entry.status = @staged
ORDER BY entry.recorded_at
