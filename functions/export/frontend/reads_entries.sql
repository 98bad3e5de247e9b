-- Entries of the ledger, newest first, each with what became of its request afterwards.
WITH
later AS (
  SELECT request.request_id, request.row_count, request.counts
  FROM {{ requests }} AS request
  WHERE request.destination = @destination AND request.counts IS NOT NULL
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY request.request_id ORDER BY request.polls DESC, request.recorded_at DESC
    ) = 1
)
SELECT
  attempt.recorded_at, attempt.happened_at, attempt.conversion, attempt.conversion_id,
  attempt.account, attempt.dedup_key, attempt.op, attempt.state, attempt.reason, attempt.value,
  attempt.currency, attempt.event_time, attempt.request_id, attempt.run_id, attempt.fingerprint,
  later.row_count AS request_rows, later.counts AS refused_later
FROM {{ attempts }} AS attempt
LEFT JOIN later ON later.request_id = attempt.request_id
WHERE
  attempt.destination = @destination
  AND (@conversion = '' OR attempt.conversion = @conversion)
  AND (@state = '' OR attempt.state = @state)
  AND (@conversion_id = '' OR attempt.conversion_id = @conversion_id)
ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC
{{ limit }}
