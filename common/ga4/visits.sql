WITH
begun AS (
  -- what the events of each session say together
  SELECT
    scanned.property,
    scanned.session_id,
    MIN(scanned.client_id) AS client_id,
    MIN(scanned.occurred_at) AS started_at,
    MAX(scanned.occurred_at) AS ended_at,
    COUNTIF(scanned.event_name IN ('page_view', 'screen_view')) AS pages,
    COUNT(DISTINCT IF(scanned.event_name IN ('page_view', 'screen_view'), scanned.page_path, NULL)) AS depth,
    MIN(IF(scanned.page_location IS NULL, NULL, CONCAT(scanned.moment, scanned.page_location))) AS landing,
    MIN(IF(scanned.session_step IS NULL, NULL, CONCAT(scanned.moment, TO_JSON_STRING(STRUCT(
      scanned.session_source AS source, scanned.session_medium AS medium, scanned.session_campaign AS campaign,
      scanned.session_channel AS channel, scanned.session_step AS step
    ))))) AS session_record,
    MIN(IF(scanned.own_source IS NULL, NULL, CONCAT(scanned.moment, TO_JSON_STRING(STRUCT(
      scanned.own_source AS source, scanned.own_medium AS medium, scanned.own_campaign AS campaign,
      CAST(NULL AS STRING) AS channel, 'first_event' AS step
    ))))) AS event_record
  FROM {{ scanned }} AS scanned
  WHERE scanned.session_id IS NOT NULL AND scanned.client_id IS NOT NULL
  GROUP BY scanned.property, scanned.session_id
),
recorded AS (
  -- the record of each visit: GA4's own, else that of its first event with one
  SELECT
    begun.* EXCEPT (ended_at, landing, session_record, event_record),
    DATE(begun.started_at, @timezone) AS date,
    TIMESTAMP_DIFF(begun.ended_at, begun.started_at, MICROSECOND) / 1000000 AS duration_seconds,
    SUBSTR(begun.landing, 29) AS landing_page,
    SUBSTR(COALESCE(begun.session_record, begun.event_record), 29) AS record
  FROM begun
),
both AS (
  -- the visits of the scan, those that the table knows of the 90 days before and after, and those of tables that are gone
  SELECT
    recorded.property, recorded.session_id, recorded.client_id, recorded.started_at, recorded.duration_seconds,
    recorded.pages, recorded.depth, recorded.date, recorded.landing_page, recorded.record,
    TRUE AS is_scanned, TRUE AS is_resolved_here
  FROM recorded
  WHERE recorded.date BETWEEN DATE_SUB(@start_date, INTERVAL 1 DAY) AND @end_date
  UNION ALL
  SELECT
    known.property, known.session_id, known.client_id, known.started_at, known.duration_seconds,
    known.pages, known.depth, known.date, known.landing_page,
    IF(
      known.source_step IN ('earlier_visit', 'direct'), NULL,
      TO_JSON_STRING(STRUCT(
        known.source AS source, known.medium AS medium, known.campaign AS campaign,
        CAST(NULL AS STRING) AS channel, known.source_step AS step
      ))
    ),
    FALSE,
    -- what a later visit took from an earlier one may be another source by now
    known.date > @end_date AND known.source_step IN ('earlier_visit', 'direct')
  FROM {{ known }} AS known
  WHERE
    known.date BETWEEN DATE_SUB(@start_date, INTERVAL 92 DAY) AND DATE_ADD(@end_date, INTERVAL 92 DAY)
    AND (
      known.date NOT BETWEEN DATE_SUB(@start_date, INTERVAL 1 DAY) AND @end_date
      -- a visit whose daily table is gone by now, deleted or expired, still lends
      OR CONCAT(known.property, '/', FORMAT_DATE('%Y%m%d', known.date)) NOT IN UNNEST(@existing)
    )
),
looked_back AS (
  -- each visit with the last source of its client before it
  SELECT
    both.*,
    -- the client's last visit with a source, if it is at most 90 days old
    LAST_VALUE(
      IF(
        both.record IS NULL OR LOWER(JSON_VALUE(both.record, '$.source')) = '(direct)', NULL,
        CONCAT(CAST(UNIX_MICROS(both.started_at) AS STRING), both.record)
      ) IGNORE NULLS
    ) OVER (
      PARTITION BY both.property, both.client_id ORDER BY both.started_at, both.session_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS before
  FROM both
),
chosen AS (
  -- the visits of the scan and those after it that took their source from another; one older than 90 days is forgotten
  SELECT
    looked_back.* EXCEPT (before),
    IF(
      UNIX_MICROS(looked_back.started_at) - CAST(SUBSTR(looked_back.before, 1, 16) AS INT64) <= 7776000000000,
      SUBSTR(looked_back.before, 17), NULL
    ) AS earlier
  FROM looked_back
  WHERE looked_back.is_resolved_here
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY looked_back.property, looked_back.session_id ORDER BY looked_back.is_scanned DESC
  ) = 1
),
resolved AS (
  -- one whole record a visit
  SELECT
    chosen.*,
    CASE
      WHEN chosen.record IS NOT NULL THEN JSON_VALUE(chosen.record, '$.step')
      WHEN chosen.earlier IS NOT NULL THEN 'earlier_visit'
      ELSE 'direct'
    END AS source_step,
    COALESCE(JSON_VALUE(COALESCE(chosen.record, chosen.earlier), '$.source'), '(direct)') AS source,
    IF(
      chosen.record IS NULL AND chosen.earlier IS NULL, '(none)',
      JSON_VALUE(COALESCE(chosen.record, chosen.earlier), '$.medium')
    ) AS medium,
    IF(
      chosen.record IS NULL AND chosen.earlier IS NULL, '(direct)',
      JSON_VALUE(COALESCE(chosen.record, chosen.earlier), '$.campaign')
    ) AS campaign,
    JSON_VALUE(chosen.record, '$.channel') AS exported_channel
  FROM chosen
)
SELECT
  resolved.date,
  CONCAT(resolved.property, '/', resolved.session_id) AS visit_key,
  resolved.property,
  resolved.client_id,
  resolved.session_id,
  resolved.started_at,
  resolved.duration_seconds,
  resolved.pages,
  resolved.depth,
  resolved.landing_page,
  resolved.source,
  resolved.medium,
  resolved.campaign,
  COALESCE(resolved.exported_channel, {{ channel_group }}) AS channel_group,
  resolved.exported_channel IS NULL AS channel_is_computed,
  resolved.source_step
FROM resolved
