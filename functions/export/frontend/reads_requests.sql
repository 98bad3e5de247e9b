SELECT
  request.date, request.conversion, request.state, request.row_count, request.counts,
  request.next_poll_at
FROM {{ requests }} AS request
WHERE
  request.destination = @destination
  AND request.date BETWEEN @start_date AND @end_date
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY request.request_id ORDER BY request.polls DESC, request.recorded_at DESC
  ) = 1
