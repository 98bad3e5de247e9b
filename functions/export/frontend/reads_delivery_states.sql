WITH
newest AS (
  SELECT attempt.conversion, attempt.account, attempt.state, attempt.op, attempt.reason
  FROM {{ attempts }} AS attempt
  WHERE
    attempt.destination = @destination
    AND (@conversion = '' OR attempt.conversion = @conversion)
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY attempt.account, attempt.conversion, attempt.conversion_id
    ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC
  ) = 1
)
SELECT
  newest.conversion, newest.account, newest.state, newest.op, newest.reason,
  COUNT(*) AS conversions
FROM newest
GROUP BY newest.conversion, newest.account, newest.state, newest.op, newest.reason
ORDER BY newest.conversion, newest.account, newest.state, newest.op, newest.reason
