SELECT MIN(target.date) AS first_date, MAX(target.date) AS last_date
FROM {{ target }} AS target
WHERE target.person_key IS NULL
