-- What a platform refused after it had accepted it: every row of the request, once, and as failed
-- when it was sent again often enough. What should have been taken back is there all the same, so
-- that this is in doubt once more.
INSERT INTO {{ attempts }} (
  date, happened_at, recorded_at, destination, account, conversion, conversion_id, conversion_date,
  dedup_key, run_id, fence, seq, op, state, reason, row_hash, destination_version,
  payload_version, fingerprint, value, currency, event_time, identity, request_id
)
WITH
again AS (
  SELECT entry.account, entry.conversion, entry.conversion_id, COUNT(*) AS times
  FROM {{ attempts }} AS entry
  WHERE
    entry.destination = @destination
    AND entry.date >= @since
    AND entry.state IN ('requested', 'absent', 'unknown')
    AND entry.reason = @reason
  GROUP BY entry.account, entry.conversion, entry.conversion_id
)
SELECT
  DATE(@now), @now, CURRENT_TIMESTAMP(), sent.destination, sent.account, sent.conversion,
  sent.conversion_id, sent.conversion_date, sent.dedup_key, @run_id, @fence, sent.seq, sent.op,
  CASE
    WHEN COALESCE(again.times, 0) >= @resends AND @state = 'absent' THEN 'failed'
    WHEN sent.op = 'retract' AND @state IN ('requested', 'absent') THEN 'unknown'
    ELSE @state
  END,
  @reason, sent.row_hash, sent.destination_version, sent.payload_version,
  sent.fingerprint, sent.value, sent.currency, sent.event_time, sent.identity, sent.request_id
FROM {{ attempts }} AS sent
LEFT JOIN again
  ON again.account = sent.account
  AND again.conversion = sent.conversion
  AND again.conversion_id = sent.conversion_id
WHERE
  sent.destination = @destination
  AND sent.date >= @sent_date
  AND sent.request_id = @request_id
  AND sent.state = 'accepted'
  AND NOT (COALESCE(again.times, 0) >= @resends AND @state = 'requested')
  AND NOT EXISTS (
    -- what was accepted since says what the platform has
    SELECT 1 FROM {{ attempts }} AS newer
    WHERE
      newer.destination = @destination
      AND newer.date >= @sent_date
      AND newer.account = sent.account
      AND newer.conversion = sent.conversion
      AND newer.conversion_id = sent.conversion_id
      AND newer.state = 'accepted'
      AND (
        newer.recorded_at > sent.recorded_at
        OR (newer.recorded_at = sent.recorded_at AND newer.seq > sent.seq)
      )
  )
  AND NOT EXISTS (
    SELECT 1 FROM {{ attempts }} AS known
    WHERE
      known.destination = @destination
      AND known.date >= @sent_date
      AND known.request_id = @request_id
      AND known.state IN ('requested', 'absent', 'failed', 'parked', 'unknown')
      AND known.reason = @reason
  )
