SELECT visit.date, COUNT(*) AS visits
FROM {{ visits }} AS visit
WHERE visit.date BETWEEN @start_date AND @end_date
GROUP BY visit.date
