-- The ids that repeat most.
SELECT answer.{{ id }} AS id, COUNT(*) AS times
FROM {{ answer }} AS answer
WHERE answer.{{ id }} IS NOT NULL
GROUP BY 1
HAVING COUNT(*) > 1
ORDER BY 2 DESC, 1
LIMIT 5
