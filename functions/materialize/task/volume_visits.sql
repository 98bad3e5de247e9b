SELECT visit.property, visit.date, COUNT(*) AS seen
FROM {{ visits }} AS visit
WHERE visit.date BETWEEN @start_date AND @end_date
GROUP BY visit.property, visit.date
