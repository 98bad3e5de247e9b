-- Newest state of each conversion of the days at each destination, counted by destination, state and reason.
-- One of the evening is sent on a day of UTC that may be the one before.
SELECT newest.destination, newest.conversion, newest.state, COALESCE(newest.reason, '') AS reason, COUNT(*) AS conversions
FROM (
  SELECT attempt.destination, attempt.conversion, attempt.state, attempt.reason
  FROM {{ source }} AS attempt
  WHERE attempt.date >= DATE_SUB(@start_date, INTERVAL 1 DAY) AND attempt.conversion_date BETWEEN @start_date AND @end_date
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY attempt.destination, attempt.conversion, attempt.conversion_id
    ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC
  ) = 1
) AS newest
GROUP BY newest.destination, newest.conversion, newest.state, reason
ORDER BY newest.destination, newest.conversion, newest.state, reason
