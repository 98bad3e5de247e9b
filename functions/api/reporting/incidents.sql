-- What needs a person's eye, the newest first.
SELECT
  present.incident_id, present.recorded_at, present.code, present.severity, present.conversion, present.object,
  present.source, present.state, present.note, present.decided_by, present.first_day, present.last_day, present.days,
  present.run_id, present.detail, present.fix
FROM (
{{ current }}
) AS present
WHERE
  DATE(present.recorded_at) >= @since
  -- a delivery has its destination and its conversion as subject, with a slash between
  AND (@conversion = '' OR @conversion IN UNNEST(SPLIT(present.conversion, '/')) OR present.conversion = @conversion)
  AND (@code = '' OR present.code = @code)
  AND (@state = '' OR present.state = @state)
  AND (@id = '' OR present.incident_id = @id)
  AND (@search = '' OR STRPOS(LOWER(CONCAT(present.code, ' ', COALESCE(present.conversion, ''), ' ', COALESCE(present.detail, ''))), LOWER(@search)) > 0)
  AND (
    @before IS NULL
    OR present.recorded_at < @before
    OR (present.recorded_at = @before AND present.incident_id > @before_id)
  )
ORDER BY present.recorded_at DESC, present.incident_id
LIMIT @limit
