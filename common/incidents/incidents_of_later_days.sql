SELECT DISTINCT incident.incident_id
FROM {{ incidents }} AS incident
JOIN {{ runs }} AS run
  ON run.run_id = incident.run_id AND run.conversion = incident.conversion
WHERE
  incident.date >= @since
  -- a run is planned before it reports, and midnight may lie between
  AND run.date >= DATE_SUB(@since, INTERVAL 7 DAY)
  AND incident.incident_id IN UNNEST(@ids)
  AND run.end_date > @until
