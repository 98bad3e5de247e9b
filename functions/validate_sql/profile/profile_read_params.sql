-- The values of the keys of params that an export reads for their meaning.
SELECT LOWER(TRIM(parameter.key)) AS key, parameter.value AS value, COUNT(*) AS conversions
FROM {{ answer }} AS answer, UNNEST(answer.params) AS parameter
WHERE LOWER(TRIM(parameter.key)) IN UNNEST(@keys)
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
LIMIT 200
