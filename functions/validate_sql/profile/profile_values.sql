-- The values of a column that has few of them, the most frequent first.
SELECT answer.{{ column }} AS value, COUNT(*) AS conversions
FROM {{ answer }} AS answer
WHERE answer.{{ column }} IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 100
