SELECT *
FROM {{ runs }} AS entry
WHERE entry.run_id = @run_id
ORDER BY entry.recorded_at
