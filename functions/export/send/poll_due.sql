-- Requests of a destination that are to be asked about now: their newest entries.
SELECT
  request.date, request.account, request.conversion, request.request_id, request.run_id,
  request.row_count, request.body_sha256, request.sent_at, request.polls
FROM {{ requests }} AS request
WHERE request.destination = @destination AND request.date >= @since
-- polls only grow, while clocks of two workers may differ
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY request.request_id ORDER BY request.polls DESC, request.recorded_at DESC
  ) = 1
  AND request.next_poll_at <= @now
ORDER BY request.sent_at, request.request_id
