SELECT newest.destination, newest.state, COALESCE(newest.reason, '') AS reason, COUNT(*) AS rows_
FROM (
  SELECT attempt.*
  FROM {{ source }} AS attempt
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY attempt.destination, attempt.conversion, attempt.conversion_id
    ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC
  ) = 1
) AS newest
GROUP BY newest.destination, newest.state, reason
ORDER BY newest.destination, newest.state, reason
