SELECT DATE(answer.{{ moment }}, @timezone) AS date, COUNT(*) AS conversions
FROM {{ answer }} AS answer
WHERE answer.{{ moment }} IS NOT NULL
GROUP BY 1
ORDER BY 1
