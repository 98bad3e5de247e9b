-- Entries that a person or a run resolved end an episode; the newest episode is the incident.
SELECT
  entry.incident_id,
  entry.code,
  entry.severity,
  entry.conversion,
  entry.object,
  entry.source,
  entry.run_id,
  entry.detail,
  entry.fix,
  entry.state,
  entry.note,
  entry.decided_by,
  entry.recorded_at,
  entry.first_day,
  entry.last_day,
  entry.days
FROM (
  SELECT
    numbered.*,
    MIN(numbered.date) OVER (PARTITION BY numbered.incident_id, numbered.episode) AS first_day,
    MAX(numbered.date) OVER (PARTITION BY numbered.incident_id, numbered.episode) AS last_day,
    DENSE_RANK() OVER (PARTITION BY numbered.incident_id, numbered.episode ORDER BY numbered.date) AS days,
    ROW_NUMBER() OVER (
      PARTITION BY numbered.incident_id ORDER BY numbered.episode DESC, numbered.recorded_at DESC
    ) AS newest
  FROM (
    SELECT
      incident.* REPLACE (COALESCE(incident.state, 'open') AS state),
      COALESCE(
        SUM(IF(incident.state = 'resolved', 1, 0)) OVER (
          PARTITION BY incident.incident_id ORDER BY incident.recorded_at
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        0
      ) AS episode
    FROM {{ incidents }} AS incident
    WHERE incident.date >= @incidents_since
  ) AS numbered
) AS entry
WHERE entry.newest = 1
