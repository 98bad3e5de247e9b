-- The keys of params, the most frequent first.
SELECT parameter.key AS key, COUNT(*) AS conversions
FROM {{ answer }} AS answer, UNNEST(answer.params) AS parameter
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 200
