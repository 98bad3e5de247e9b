-- Open incidents, the newest first.
SELECT present.conversion, present.severity, present.code, present.detail
FROM (
{{ current }}
) AS present
WHERE present.state = @open AND present.conversion <> ''
ORDER BY present.recorded_at DESC, present.incident_id
