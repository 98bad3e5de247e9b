SELECT entry.start_date, entry.end_date, entry.message
FROM {{ runs }} AS entry
WHERE entry.status = @staged
