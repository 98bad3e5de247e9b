SELECT incident.incident_id
FROM {{ incidents }} AS incident
WHERE incident.date = @date
