-- What each lead had done on the site before it was created, one row a lead of whom a visit is known.
-- Of the visit in which it came only the source is taken: its pages go on after the form was sent.
CREATE OR REPLACE TABLE {{ target }} AS
WITH visited AS (
  SELECT
    lead.id,
    lead.created,
    visit.started_at,
    visit.source,
    visit.medium,
    visit.channel_group,
    IF(visit.ended_at <= lead.created, visit.pages, NULL) AS pages,
    IF(visit.ended_at <= lead.created, visit.depth, NULL) AS depth,
    IF(visit.ended_at <= lead.created, visit.duration_seconds, NULL) AS duration_seconds
  FROM {{ leads }} AS lead
  INNER JOIN (
    SELECT
      seen.client_id,
      seen.started_at,
      TIMESTAMP_ADD(
        seen.started_at, INTERVAL CAST(CEIL(COALESCE(seen.duration_seconds, 0)) AS INT64) SECOND
      ) AS ended_at,
      seen.duration_seconds,
      seen.pages,
      seen.depth,
      seen.source,
      seen.medium,
      seen.channel_group
    FROM {{ visits }} AS seen
    WHERE seen.date BETWEEN @visited_from AND @last_date
      AND seen.started_at IS NOT NULL
  ) AS visit
    ON visit.client_id = lead.client_id
    AND visit.started_at < lead.created
    AND visit.started_at >= TIMESTAMP_SUB(lead.created, INTERVAL @before_days DAY)
  WHERE lead.date BETWEEN @first_date AND @last_date
)
SELECT
  summed.id,
  TO_JSON_STRING(STRUCT(
    summed.visits AS site_visits,
    summed.first_days AS site_days_since_first_visit,
    summed.last_days AS site_days_since_last_visit,
    COALESCE(summed.pages, 0) AS site_pages,
    COALESCE(summed.depth, 0) AS site_depth,
    COALESCE(summed.minutes, 0.0) AS site_minutes,
    summed.sources AS site_sources,
    summed.first_source AS site_first_source,
    summed.last_source AS site_last_source,
    summed.last_channel AS site_last_channel
  )) AS attributes
FROM (
  SELECT
    visited.id,
    COUNT(*) AS visits,
    ROUND(MAX(TIMESTAMP_DIFF(visited.created, visited.started_at, SECOND)) / 86400, 2) AS first_days,
    ROUND(MIN(TIMESTAMP_DIFF(visited.created, visited.started_at, SECOND)) / 86400, 2) AS last_days,
    SUM(visited.pages) AS pages,
    MAX(visited.depth) AS depth,
    ROUND(SUM(visited.duration_seconds) / 60, 1) AS minutes,
    COUNT(DISTINCT CONCAT(COALESCE(visited.source, ''), ' / ', COALESCE(visited.medium, ''))) AS sources,
    ARRAY_AGG(
      CONCAT(COALESCE(visited.source, ''), ' / ', COALESCE(visited.medium, ''))
      ORDER BY visited.started_at, visited.source, visited.medium LIMIT 1
    )[OFFSET(0)] AS first_source,
    ARRAY_AGG(
      CONCAT(COALESCE(visited.source, ''), ' / ', COALESCE(visited.medium, ''))
      ORDER BY visited.started_at DESC, visited.source, visited.medium LIMIT 1
    )[OFFSET(0)] AS last_source,
    ARRAY_AGG(
      visited.channel_group IGNORE NULLS
      ORDER BY visited.started_at DESC, visited.channel_group LIMIT 1
    )[SAFE_OFFSET(0)] AS last_channel
  FROM visited
  GROUP BY visited.id
) AS summed
