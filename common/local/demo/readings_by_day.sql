SELECT row_.date, COUNT(*) AS conversions, SUM(row_.value_project) AS value
FROM {{ conversion }} AS row_
WHERE row_.date > DATE '2000-01-01'
GROUP BY row_.date
