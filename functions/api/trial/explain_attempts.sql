-- The newest word of each destination about a row.
SELECT attempt.destination, attempt.state, attempt.reason
FROM {{ attempts }} AS attempt
WHERE attempt.conversion = @conversion AND attempt.conversion_id = @id
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY attempt.destination ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC
) = 1
ORDER BY attempt.destination
