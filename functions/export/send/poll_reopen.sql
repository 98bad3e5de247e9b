-- What a platform refused after it had accepted it: every row of the request, once, and as failed
-- when it was sent again often enough. What should have been taken back is there all the same, so
-- that this is in doubt once more. Where another acceptance has followed, that one says what the
-- platform has: the refusal takes its place before it, and counts should that one be refused too.
INSERT INTO {{ attempts }} (
  date, happened_at, recorded_at, destination, account, conversion, conversion_id, conversion_date,
  dedup_key, run_id, fence, seq, op, state, reason, row_hash, destination_version,
  payload_version, fingerprint, value, currency, event_time, identity, request_id
)
WITH
accepted AS (
  SELECT
    entry.*,
    LEAD(entry.state) OVER (
      PARTITION BY entry.account, entry.conversion, entry.conversion_id
      ORDER BY entry.recorded_at, entry.fence, entry.seq
    ) IS NOT NULL AS is_followed
  FROM {{ attempts }} AS entry
  WHERE
    entry.destination = @destination AND entry.date >= @sent_date AND entry.state = 'accepted'
),
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
  DATE(@now), @now,
  IF(
    sent.is_followed,
    TIMESTAMP_ADD(sent.recorded_at, INTERVAL 1 MICROSECOND),
    CURRENT_TIMESTAMP()
  ),
  sent.destination, sent.account, sent.conversion, sent.conversion_id, sent.conversion_date,
  sent.dedup_key, @run_id, @fence, sent.seq, sent.op,
  CASE
    WHEN COALESCE(again.times, 0) >= @resends AND @state = 'absent' THEN 'failed'
    WHEN sent.op = 'retract' AND @state IN ('requested', 'absent') THEN 'unknown'
    ELSE @state
  END,
  @reason, sent.row_hash, sent.destination_version, sent.payload_version,
  sent.fingerprint, sent.value, sent.currency, sent.event_time, sent.identity, sent.request_id
FROM accepted AS sent
LEFT JOIN again
  ON again.account = sent.account
  AND again.conversion = sent.conversion
  AND again.conversion_id = sent.conversion_id
WHERE
  sent.request_id = @request_id
  AND NOT (sent.is_followed AND @state = 'requested')
  AND NOT (COALESCE(again.times, 0) >= @resends AND @state = 'requested')
  AND NOT EXISTS (
    SELECT 1 FROM {{ attempts }} AS known
    WHERE
      known.destination = @destination
      AND known.date >= @sent_date
      AND known.request_id = @request_id
      AND known.state IN ('requested', 'absent', 'failed', 'parked', 'unknown')
      AND known.reason = @reason
  )
