-- What needs a person's eye, the newest first; an incident is told once a day.
SELECT
  incident.incident_id, incident.recorded_at, incident.code, incident.severity, incident.conversion,
  incident.run_id, incident.detail, incident.fix
FROM {{ incidents }} AS incident
WHERE
  incident.date >= @since
  AND (@conversion = '' OR incident.conversion = @conversion)
  AND (@code = '' OR incident.code = @code)
QUALIFY ROW_NUMBER() OVER (PARTITION BY incident.incident_id ORDER BY incident.recorded_at) = 1
ORDER BY incident.recorded_at DESC, incident.incident_id
LIMIT @limit
