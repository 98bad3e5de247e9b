SELECT incident.incident_id
FROM {{ incidents }} AS incident
WHERE incident.date = @day AND incident.conversion = @conversion
