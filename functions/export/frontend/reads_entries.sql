SELECT
  attempt.recorded_at, attempt.happened_at, attempt.conversion, attempt.conversion_id,
  attempt.account, attempt.dedup_key, attempt.op, attempt.state, attempt.reason, attempt.value,
  attempt.currency, attempt.event_time, attempt.request_id, attempt.run_id, attempt.fingerprint
FROM {{ attempts }} AS attempt
WHERE
  attempt.destination = @destination
  AND (@conversion = '' OR attempt.conversion = @conversion)
  AND (@state = '' OR attempt.state = @state)
  AND (@conversion_id = '' OR attempt.conversion_id = @conversion_id)
ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC
{{ limit }}
