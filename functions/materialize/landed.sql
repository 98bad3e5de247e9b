SELECT COUNT(*) / 4 AS usual
FROM {{ target }} AS target
WHERE target.date IN (
  DATE_SUB(@end_date, INTERVAL 7 DAY),
  DATE_SUB(@end_date, INTERVAL 14 DAY),
  DATE_SUB(@end_date, INTERVAL 21 DAY),
  DATE_SUB(@end_date, INTERVAL 28 DAY)
)
