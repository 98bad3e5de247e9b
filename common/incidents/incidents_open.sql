SELECT present.*
FROM (
{{ current }}
) AS present
WHERE
  present.state <> @resolved
  AND (present.incident_id IN UNNEST(@ids) OR (@subject <> '' AND present.conversion = @subject))
