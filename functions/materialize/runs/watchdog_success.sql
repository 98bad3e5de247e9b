SELECT MAX(entry.recorded_at) AS last_success
FROM {{ runs }} AS entry
WHERE entry.conversion = @conversion AND entry.status IN UNNEST(@done)
