-- How many conversions the platform took, and which it refused by reason, since a moment; and when it
-- last took one, as far as a longer time back.
SELECT
  attempt.state = 'accepted' AS is_taken,
  IF(attempt.state = 'accepted', NULL, attempt.reason) AS reason,
  COUNT(DISTINCT IF(attempt.happened_at >= @since, attempt.conversion_id, NULL)) AS conversions,
  ARRAY_AGG(
    DISTINCT
    IF(attempt.state = 'accepted' OR attempt.happened_at < @since, NULL, attempt.dedup_key)
    IGNORE NULLS
  ) AS refused,
  MAX(attempt.happened_at) AS newest
FROM {{ attempts }} AS attempt
WHERE
  attempt.destination = @destination
  AND attempt.account = @account
  AND attempt.conversion = @conversion
  AND attempt.date >= @back_to
  -- without an op nothing was sent: it says nothing about the account
  AND attempt.op IS NOT NULL
  AND attempt.state IN ('accepted', 'rejected', 'parked')
GROUP BY is_taken, reason
