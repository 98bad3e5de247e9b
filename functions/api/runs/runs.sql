-- Ledger entries of these runs, oldest first.
SELECT
  entry.run_id, entry.recorded_at, entry.conversion, entry.status, entry.tier, entry.trigger,
  entry.definition_version, entry.start_date, entry.end_date, entry.rows_read, entry.rows_total,
  entry.value_total, entry.inserted, entry.updated, entry.deleted, entry.duplicates,
  entry.refunded, entry.quarantined, entry.bytes_processed, entry.seconds, entry.detail
FROM {{ runs }} AS entry
WHERE entry.date >= @since AND entry.run_id IN UNNEST(@ids)
ORDER BY entry.recorded_at, entry.run_id
