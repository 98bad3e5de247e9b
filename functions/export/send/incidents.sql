SELECT COUNT(*) AS known
FROM {{ incidents }} AS incident
WHERE incident.date = @date AND incident.incident_id = @incident_id
