-- What was refused for good for a reason that turned out to be the account's is tried again.
INSERT INTO {{ attempts }} (
  date, happened_at, recorded_at, destination, account, conversion, conversion_id, conversion_date,
  dedup_key, run_id, fence, seq, op, state, reason, row_hash, destination_version,
  payload_version, fingerprint, value, currency, event_time, identity
)
SELECT
  DATE(@now), @now, CURRENT_TIMESTAMP(), refused.destination, refused.account, refused.conversion,
  refused.conversion_id, refused.conversion_date, refused.dedup_key, @run_id, @fence, 1000000000,
  refused.op, 'parked', refused.reason, refused.row_hash, refused.destination_version,
  refused.payload_version, refused.fingerprint, refused.value, refused.currency,
  refused.event_time, refused.identity
FROM (
  SELECT attempt.*
  FROM {{ attempts }} AS attempt
  WHERE
    attempt.destination = @destination
    AND attempt.account = @account
    AND attempt.conversion = @conversion
    AND attempt.date >= @since_date
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY attempt.conversion_id
      ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC
    ) = 1
) AS refused
-- without an op nothing was sent: such a row was refused here, and not by the account
WHERE
  refused.state = 'rejected' AND refused.op IS NOT NULL AND refused.reason IN UNNEST(@reasons)
