SELECT
  COUNTIF(target.date = @last_day) AS seen,
  COUNTIF(target.date < @last_day) / 4 AS usual
FROM {{ target }} AS target
WHERE target.date IN (
  @last_day,
  DATE_SUB(@last_day, INTERVAL 7 DAY),
  DATE_SUB(@last_day, INTERVAL 14 DAY),
  DATE_SUB(@last_day, INTERVAL 21 DAY),
  DATE_SUB(@last_day, INTERVAL 28 DAY)
)
