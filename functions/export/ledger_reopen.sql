-- What a platform refused after it had accepted it: every row of the request, once.
INSERT INTO {{ attempts }} (
  date, happened_at, recorded_at, destination, account, conversion, conversion_id, conversion_date,
  dedup_key, run_id, fence, seq, op, state, reason, row_hash, destination_version,
  payload_version, fingerprint, value, currency, event_time, identity, request_id
)
SELECT
  DATE(@now), @now, CURRENT_TIMESTAMP(), sent.destination, sent.account, sent.conversion,
  sent.conversion_id, sent.conversion_date, sent.dedup_key, @run_id, @fence, sent.seq, sent.op,
  @state, @reason, sent.row_hash, sent.destination_version, sent.payload_version,
  sent.fingerprint, sent.value, sent.currency, sent.event_time, sent.identity, sent.request_id
FROM {{ attempts }} AS sent
WHERE
  sent.destination = @destination
  AND sent.request_id = @request_id
  AND sent.state = 'accepted'
  AND NOT EXISTS (
    SELECT 1 FROM {{ attempts }} AS known
    WHERE
      known.destination = @destination
      AND known.request_id = @request_id
      AND known.state IN ('requested', 'failed')
  )
