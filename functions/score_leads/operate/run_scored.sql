-- Entries after which the task is not scored: it was, or its run has been cancelled.
SELECT COUNT(*) AS entries
FROM {{ runs }} AS entry
WHERE
  entry.run_id = @run_id
  AND (
    (entry.conversion = @conversion AND entry.start_date = @start_date AND entry.status = 'scored')
    OR (entry.conversion = '' AND entry.status = 'cancelled')
  )
