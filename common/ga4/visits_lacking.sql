SELECT MIN(visit.date) AS first_date, MAX(visit.date) AS last_date
FROM (
  SELECT DATE(scanned.begun.started_at, @timezone) AS date
  FROM {{ scanned }} AS scanned
  WHERE scanned.begun.sources = 0
  UNION ALL
  SELECT gone.date
  FROM {{ known }} AS gone
  WHERE gone.date BETWEEN @unread_from AND @unread_until AND gone.source_step IN ('earlier_visit', 'direct')
  UNION ALL
  SELECT taker.date
  FROM {{ known }} AS taker
  WHERE
    taker.date BETWEEN DATE_ADD(@end_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL 92 DAY)
    AND taker.source_step IN ('earlier_visit', 'direct')
) AS visit
