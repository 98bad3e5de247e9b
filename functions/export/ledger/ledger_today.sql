-- How many conversions the platform took, and which it refused by reason, since a moment.
SELECT
  attempt.state = 'accepted' AS is_taken,
  IF(attempt.state = 'accepted', NULL, attempt.reason) AS reason,
  COUNT(DISTINCT attempt.conversion_id) AS conversions,
  ARRAY_AGG(DISTINCT IF(attempt.state = 'accepted', NULL, attempt.dedup_key) IGNORE NULLS) AS refused
FROM {{ attempts }} AS attempt
WHERE
  attempt.destination = @destination
  AND attempt.account = @account
  AND attempt.conversion = @conversion
  AND attempt.date >= @since_date
  AND attempt.happened_at >= @since
  -- without an op nothing was sent: it says nothing about the account
  AND attempt.op IS NOT NULL
  AND attempt.state IN ('accepted', 'rejected', 'parked')
GROUP BY is_taken, reason
