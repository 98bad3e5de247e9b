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
  -- a run that sees it again says nothing of its own about who looks after it, and why
  IF(entry.state = 'acknowledged', entry.last_note, entry.note) AS note,
  IF(entry.state = 'acknowledged', entry.last_decided_by, entry.decided_by) AS decided_by,
  entry.recorded_at,
  -- of an episode that began before the days read, what a person said of it may be all that is left
  COALESCE(entry.first_day, entry.date) AS first_day,
  COALESCE(entry.last_day, entry.date) AS last_day,
  entry.days
FROM (
  SELECT
    numbered.*,
    MIN(numbered.reported_on) OVER (PARTITION BY numbered.incident_id, numbered.episode) AS first_day,
    MAX(numbered.reported_on) OVER (PARTITION BY numbered.incident_id, numbered.episode) AS last_day,
    COUNT(DISTINCT numbered.reported_on) OVER (PARTITION BY numbered.incident_id, numbered.episode) AS days,
    LAST_VALUE(numbered.note IGNORE NULLS) OVER so_far AS last_note,
    LAST_VALUE(numbered.decided_by IGNORE NULLS) OVER so_far AS last_decided_by,
    ROW_NUMBER() OVER (
      PARTITION BY numbered.incident_id ORDER BY numbered.episode DESC, numbered.recorded_at DESC
    ) AS newest
  FROM (
    SELECT
      incident.* REPLACE (COALESCE(incident.state, 'open') AS state),
      -- what somebody decided or no longer saw is no report
      IF(incident.decided_by IS NULL AND COALESCE(incident.state, 'open') <> 'resolved', incident.date, NULL) AS reported_on,
      COALESCE(
        SUM(IF(incident.state = 'resolved', 1, 0)) OVER (
          PARTITION BY incident.incident_id ORDER BY incident.recorded_at
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        0
      ) AS episode
    FROM {{ incidents }} AS incident
    WHERE incident.date >= @incidents_since{{ which }}
  ) AS numbered
  WINDOW so_far AS (
    PARTITION BY numbered.incident_id, numbered.episode ORDER BY numbered.recorded_at
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  )
) AS entry
WHERE entry.newest = 1
