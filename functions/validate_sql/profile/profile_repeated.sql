-- The ids that repeat most.
SELECT answer.{{ id }} AS id, COUNT(*) AS times
FROM {{ answer }} AS answer
WHERE answer.{{ id }} != '' AND LOWER(TRIM(answer.{{ id }})) NOT IN UNNEST(@nobody)
GROUP BY 1
HAVING COUNT(*) > 1
ORDER BY 2 DESC, 1
LIMIT 5
