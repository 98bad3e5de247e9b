SELECT entry.conversion, entry.definition_version, MAX(entry.end_date) AS end_date
FROM {{ runs }} AS entry
WHERE entry.status IN UNNEST(@done) AND entry.conversion <> ''
GROUP BY entry.conversion, entry.definition_version
