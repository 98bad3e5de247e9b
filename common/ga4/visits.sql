WITH
begun AS (
  -- what the events of each session say together; a record begins with its moment, so that the first one is the least
  SELECT
    scanned.property,
    scanned.session_id,
    scanned.begun.client_id,
    scanned.begun.started_at,
    scanned.begun.ended_at,
    scanned.begun.pages,
    scanned.begun.depth,
    MIN(CONCAT(scanned.moment, scanned.page_location)) AS landing,
    MIN(IF(scanned.session_step IS NULL, NULL, CONCAT(scanned.moment, TO_JSON_STRING(STRUCT(
      scanned.session_source AS source, scanned.session_medium AS medium, scanned.session_campaign AS campaign,
      scanned.session_channel AS channel, scanned.session_step AS step
    ))))) AS session_record,
    MIN(IF(scanned.own_source IS NULL, NULL, CONCAT(scanned.moment, {{ own_record }}))) AS event_record,
    MIN(IF(scanned.own_source IS NULL OR scanned.says_little, NULL, CONCAT(scanned.moment, {{ own_record }}))) AS worded_record
  FROM {{ scanned }} AS scanned
  WHERE scanned.begun IS NOT NULL
  GROUP BY
    scanned.property, scanned.session_id, scanned.begun.client_id, scanned.begun.started_at, scanned.begun.ended_at,
    scanned.begun.pages, scanned.begun.depth
),
recorded AS (
  -- the record of each visit: GA4's own, else that of its first event with one
  SELECT
    begun.* EXCEPT (ended_at, landing, session_record, event_record, worded_record),
    DATE(begun.started_at, @timezone) AS date,
    TIMESTAMP_DIFF(begun.ended_at, begun.started_at, MICROSECOND) / 1000000 AS duration_seconds,
    SUBSTR(begun.landing, 29) AS landing_page,
    -- of one page its page_view says more than session_start, which may know its address alone
    SUBSTR(COALESCE(begun.session_record, IF(
      JSON_VALUE(SUBSTR(begun.event_record, 29), '$.page') = JSON_VALUE(SUBSTR(begun.worded_record, 29), '$.page'),
      begun.worded_record, begun.event_record
    )), 29) AS record
  FROM begun
),
both AS (
  -- the visits of the scan, and what the table knows of the 90 days before and after
  SELECT
    recorded.property, recorded.session_id, recorded.client_id, recorded.started_at, recorded.duration_seconds,
    recorded.pages, recorded.depth, recorded.date, recorded.landing_page, recorded.record,
    TRUE AS is_scanned, TRUE AS is_resolved_here
  FROM recorded
  WHERE recorded.date BETWEEN DATE_SUB(@start_date, INTERVAL 1 DAY) AND @end_date
  UNION ALL
  -- visits that lend their source, of which nothing else is read
  SELECT
    lender.property, NULL, lender.client_id, lender.started_at, NULL, NULL, NULL, NULL, NULL,
    TO_JSON_STRING(STRUCT(
      lender.source AS source, lender.medium AS medium, lender.campaign AS campaign,
      CAST(NULL AS STRING) AS channel, lender.source_step AS step
    )),
    FALSE, FALSE
  FROM {{ known }} AS lender
  WHERE
    lender.date BETWEEN @lends_from AND @lends_until
    AND COALESCE(lender.source_step, '') NOT IN ('earlier_visit', 'direct')
    AND lender.date NOT BETWEEN DATE_SUB(@start_date, INTERVAL 1 DAY) AND @end_date
  UNION ALL
  -- a visit whose daily table is gone by now, deleted or expired, still lends
  SELECT
    gone.property, NULL, gone.client_id, gone.started_at, NULL, NULL, NULL, NULL, NULL,
    TO_JSON_STRING(STRUCT(
      gone.source AS source, gone.medium AS medium, gone.campaign AS campaign,
      CAST(NULL AS STRING) AS channel, gone.source_step AS step
    )),
    FALSE, FALSE
  FROM {{ known }} AS gone
  WHERE
    gone.date BETWEEN GREATEST(@lends_from, DATE_SUB(@start_date, INTERVAL 1 DAY)) AND LEAST(@lends_until, @end_date)
    AND COALESCE(gone.source_step, '') NOT IN ('earlier_visit', 'direct')
    AND CONCAT(gone.property, '/', FORMAT_DATE('%Y%m%d', gone.date)) NOT IN UNNEST(@existing)
    AND gone.visit_key NOT IN (SELECT CONCAT(recorded.property, '/', recorded.session_id) FROM recorded)
  UNION ALL
  -- what a later visit took from an earlier one, or one whose daily table is gone, may be another source by now
  SELECT
    taker.property, taker.session_id, taker.client_id, taker.started_at, taker.duration_seconds,
    taker.pages, taker.depth, taker.date, taker.landing_page, NULL, FALSE, TRUE
  FROM {{ known }} AS taker
  WHERE
    taker.date BETWEEN @takes_from AND DATE_ADD(@end_date, INTERVAL 92 DAY)
    AND taker.source_step IN ('earlier_visit', 'direct')
    AND (
      taker.date > @end_date
      OR CONCAT(taker.property, '/', FORMAT_DATE('%Y%m%d', taker.date)) NOT IN UNNEST(@existing)
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
      PARTITION BY both.property, both.client_id ORDER BY both.started_at, both.session_id, both.record
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
