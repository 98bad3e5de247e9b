SELECT entry.conversion, MAX(entry.recorded_at) AS last_success
FROM {{ runs }} AS entry
WHERE entry.conversion <> '' AND entry.status IN UNNEST(@done)
GROUP BY entry.conversion
