SELECT *
FROM {{ target }}
WHERE date BETWEEN @start_date AND @end_date
