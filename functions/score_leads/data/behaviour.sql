-- What each lead had done on the site up to two days before it was created. A nearer day is often not
-- exported yet when a lead is scored, and a model must learn from what it will be asked with. A lead
-- whose client is known has a row as far as the stage of GA4 reaches, with no visit if there was none.
CREATE OR REPLACE TABLE {{ target }} AS
WITH seen AS (
  SELECT
    visit.client_id,
    visit.date,
    visit.started_at,
    visit.duration_seconds,
    visit.pages,
    visit.depth,
    CONCAT(COALESCE(visit.source, ''), ' / ', COALESCE(visit.medium, '')) AS source,
    visit.channel_group
  FROM {{ visits }} AS visit
  WHERE visit.date BETWEEN @visited_from AND @visited_until AND visit.started_at IS NOT NULL
),
reach AS (
  SELECT
    DATE_ADD(MIN(seen.date), INTERVAL @lag_days DAY) AS first_day,
    DATE_ADD(MAX(seen.date), INTERVAL @lag_days DAY) AS last_day
  FROM seen
),
visited AS (
  SELECT lead.id, lead.created, visit.* EXCEPT (client_id, date)
  FROM {{ leads }} AS lead
  CROSS JOIN reach
  LEFT JOIN seen AS visit
    ON visit.client_id = lead.client_id
    AND visit.date <= DATE_SUB(lead.date, INTERVAL @lag_days DAY)
    AND visit.date > DATE_SUB(lead.date, INTERVAL @before_days DAY)
  WHERE lead.client_id IS NOT NULL
    AND lead.date BETWEEN @first_date AND @last_date
    AND lead.date BETWEEN reach.first_day AND reach.last_day
)
SELECT
  summed.id,
  TO_JSON_STRING(STRUCT(
    summed.visits AS site_visits,
    summed.first_days AS site_days_since_first_visit,
    summed.last_days AS site_days_since_last_visit,
    summed.pages AS site_pages,
    summed.depth AS site_depth,
    summed.minutes AS site_minutes,
    summed.sources AS site_sources,
    summed.first_source AS site_first_source,
    summed.last_source AS site_last_source,
    summed.last_channel AS site_last_channel
  )) AS attributes
FROM (
  SELECT
    visited.id,
    COUNT(visited.started_at) AS visits,
    ROUND(MAX(TIMESTAMP_DIFF(visited.created, visited.started_at, SECOND)) / 86400, 2) AS first_days,
    ROUND(MIN(TIMESTAMP_DIFF(visited.created, visited.started_at, SECOND)) / 86400, 2) AS last_days,
    COALESCE(SUM(visited.pages), 0) AS pages,
    COALESCE(MAX(visited.depth), 0) AS depth,
    COALESCE(ROUND(SUM(visited.duration_seconds) / 60, 1), 0.0) AS minutes,
    COUNT(DISTINCT visited.source) AS sources,
    ARRAY_AGG(
      visited.source IGNORE NULLS ORDER BY visited.started_at, visited.source LIMIT 1
    )[SAFE_OFFSET(0)] AS first_source,
    ARRAY_AGG(
      visited.source IGNORE NULLS ORDER BY visited.started_at DESC, visited.source LIMIT 1
    )[SAFE_OFFSET(0)] AS last_source,
    ARRAY_AGG(
      visited.channel_group IGNORE NULLS
      ORDER BY visited.started_at DESC, visited.channel_group LIMIT 1
    )[SAFE_OFFSET(0)] AS last_channel
  FROM visited
  GROUP BY visited.id
) AS summed
