SELECT
  entry.conversion, entry.tier, entry.trigger, entry.definition_version, entry.start_date, entry.end_date,
  entry.status, entry.message
FROM {{ runs }} AS entry
WHERE entry.run_id = @run_id AND entry.date BETWEEN @since AND @until
ORDER BY entry.recorded_at
