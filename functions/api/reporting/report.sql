-- What the run over each conversion's widest window read, left out and counted, and its rows there by now.
SELECT
  widest.conversion, widest.run_id, widest.start_date, widest.end_date, widest.rows_read, widest.duplicates,
  widest.refunded, widest.quarantined, widest.rows_total, COUNT(present.date) AS rows_now
FROM (
  SELECT
    entry.conversion, entry.run_id, entry.start_date, entry.end_date, entry.rows_read, entry.rows_total,
    entry.refunded,
    COALESCE(entry.duplicates, 0) AS duplicates,
    COALESCE(entry.quarantined, 0) AS quarantined
  FROM {{ runs }} AS entry
  WHERE
    entry.date >= @since
    -- a run that was held says what it would have counted
    AND entry.status IN UNNEST(@counted)
    AND entry.rows_read IS NOT NULL
    AND entry.rows_total IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY entry.conversion
    ORDER BY DATE_DIFF(entry.end_date, entry.start_date, DAY) DESC, entry.recorded_at DESC, entry.run_id
  ) = 1
) AS widest
LEFT JOIN {{ conversions }} AS present
  ON present.definition_id = widest.conversion AND present.date BETWEEN widest.start_date AND widest.end_date
GROUP BY
  widest.conversion, widest.run_id, widest.start_date, widest.end_date, widest.rows_read, widest.duplicates,
  widest.refunded, widest.quarantined, widest.rows_total
ORDER BY widest.conversion
