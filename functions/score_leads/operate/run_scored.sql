SELECT COUNT(*) AS entries
FROM {{ runs }} AS entry
WHERE
  entry.run_id = @run_id
  AND entry.conversion = @conversion
  AND entry.start_date = @start_date
  AND entry.status = 'scored'
