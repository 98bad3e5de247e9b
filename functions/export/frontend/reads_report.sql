SELECT
  attempt.date,
  attempt.conversion,
  COUNTIF(attempt.state = 'sending') AS sent,
  COUNTIF(attempt.state = 'accepted') AS accepted,
  COUNTIF(attempt.state = 'rejected') AS refused,
  COUNTIF(attempt.state IN ('retry', 'unknown')) AS to_send_again,
  COUNTIF(attempt.state = 'skipped') AS skipped,
  COUNTIF(attempt.state = 'expired') AS expired,
  COUNTIF(attempt.state = 'ambiguous') AS in_doubt,
  COUNTIF(attempt.state = 'unsupported_change') AS unsupported_changes,
  COUNTIF(attempt.state = 'failed') AS failed_later
FROM {{ attempts }} AS attempt
WHERE
  attempt.destination = @destination
  AND attempt.date BETWEEN @start_date AND @end_date
GROUP BY attempt.date, attempt.conversion
ORDER BY attempt.date DESC, attempt.conversion
