SELECT COUNT(*) AS runs
FROM {{ source }} AS entry
WHERE entry.trigger = 'load' AND entry.status IN UNNEST(@finished)
