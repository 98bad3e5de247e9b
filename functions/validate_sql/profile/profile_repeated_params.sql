-- Rows in which a key of params appears twice.
SELECT COUNT(*) AS conversions
FROM {{ answer }} AS answer
WHERE (SELECT COUNT(parameter.key) - COUNT(DISTINCT parameter.key) FROM UNNEST(answer.params) AS parameter) > 0
