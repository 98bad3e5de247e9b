SELECT COUNT(*) AS conversions
FROM {{ conversions }} AS conversion
WHERE conversion.date BETWEEN @start_date AND @end_date
