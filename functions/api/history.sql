-- All changes of one row of a conversion, oldest first.
SELECT
  change.changed_at, change.change, change.cause, change.date, change.old_value, change.new_value,
  change.old_qualified, change.new_qualified, change.definition_version, change.run_id,
  change.old_row, change.new_row
FROM {{ changes }} AS change
WHERE change.definition_id = @definition_id AND change.id = @id
ORDER BY change.changed_at, change.fence
