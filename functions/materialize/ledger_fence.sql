SELECT COUNT(*) AS entries
FROM {{ runs }} AS entry
WHERE entry.conversion = @conversion AND entry.fence = @fence
