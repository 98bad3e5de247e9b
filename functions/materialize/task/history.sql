INSERT INTO {{ changes }} (
  date, definition_id, id, changed_at, run_id, fence, change, cause, old_value, new_value, old_qualified,
  new_qualified, definition_version, old_row, new_row
)
SELECT
  d.date,
  @definition_id,
  d.id,
  @now,
  @run_id,
  @fence,
  d.change,
  CASE
    WHEN d.date < @start_date THEN 'late_data'
    WHEN d.old_version <> @version OR (@is_first AND @is_edited) THEN 'definition_change'
    WHEN d.change = 'update' AND COALESCE(d.value_refunded, 0) <> COALESCE(d.old_refunded, 0) THEN 'refund'
    WHEN @usual_cause = 'rescored' OR @trigger = 'scores' THEN IF(d.change = 'insert', 'new', 'rescored')
    WHEN d.change = 'update' AND COALESCE(d.normalization_factor, 1) <> COALESCE(d.old_factor, 1) THEN 'normalization'
    WHEN d.change = 'insert' AND d.date >= @end_date AND @trigger <> 'backfill' THEN 'new'
    WHEN d.change = 'insert' AND (@is_first OR @trigger = 'backfill') THEN 'backfill'
    ELSE @usual_cause
  END,
  d.old_value,
  d.value,
  d.old_qualified,
  d.is_qualified,
  @version,
  {{ old_row }} AS old_row,
  IF(d.change = 'delete', NULL, TO_JSON_STRING(STRUCT({{ after }}))) AS new_row
FROM {{ difference }} AS d
