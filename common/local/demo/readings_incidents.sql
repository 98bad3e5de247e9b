SELECT incident.code, incident.severity, incident.conversion, incident.detail, incident.fix
FROM {{ source }} AS incident
ORDER BY incident.recorded_at
