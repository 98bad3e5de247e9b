-- Has conversions looked at again whose person was to leave by an old address in a request that the
-- platform refused after it had accepted it; not for ever where it refuses it each time.
INSERT INTO {{ attempts }} (
  date, happened_at, recorded_at, destination, account, conversion, conversion_id, conversion_date,
  dedup_key, run_id, fence, seq, state, reason, row_hash, destination_version, payload_version
)
SELECT
  DATE(@now), @now, CURRENT_TIMESTAMP(), newest.destination, newest.account, newest.conversion,
  newest.conversion_id, newest.conversion_date, newest.dedup_key, @run_id, @fence, 0, 'requested',
  @reason, newest.row_hash, newest.destination_version, newest.payload_version
FROM (
  SELECT
    attempt.*,
    COUNTIF(
      attempt.state = 'requested' AND attempt.reason = @reason AND attempt.date >= @since
    ) OVER (PARTITION BY attempt.conversion_id) AS times
  FROM {{ attempts }} AS attempt
  WHERE
    attempt.destination = @destination
    AND attempt.account = @account
    AND attempt.conversion = @conversion
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY attempt.conversion_id
      ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC
    ) = 1
) AS newest
WHERE
  newest.times < @resends
  AND newest.conversion_id IN (
    SELECT member.conversion_id FROM {{ members }} AS member
    WHERE
      member.destination = @destination
      AND member.account = @account
      AND member.conversion = @conversion
      AND member.left_by = @request_id
  )
