-- All changes of one row of a conversion, oldest first.
SELECT
  entry.changed_at, entry.change, entry.cause, entry.date, entry.old_value, entry.new_value,
  entry.old_qualified, entry.new_qualified, entry.definition_version, entry.run_id,
  entry.old_row, entry.new_row
FROM {{ changes }} AS entry
WHERE entry.definition_id = @definition_id AND entry.id = @id
ORDER BY entry.changed_at, entry.fence
