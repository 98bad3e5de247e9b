SELECT SUM(target.value_project) AS total
FROM {{ target }} AS target
WHERE target.date BETWEEN @start_date AND @end_date
