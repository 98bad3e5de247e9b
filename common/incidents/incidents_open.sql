SELECT present.*
FROM (
{{ current }}
) AS present
WHERE
  present.state <> @resolved
  AND (present.incident_id IN UNNEST(@ids) OR COALESCE(present.conversion, '') = @subject)
