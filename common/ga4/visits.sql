WITH
part AS (
  -- what each table that is there says of each session; a record begins with its moment, so that the first one is the least
  SELECT
    scanned.property,
    scanned.session_id,
    scanned.begun.client_id,
    scanned.shard,
    scanned.begun.started_at,
    scanned.begun.ended_at,
    scanned.begun.pages,
    scanned.begun.depth,
    MIN(CONCAT(scanned.moment, scanned.page_location)) AS landing,
    SUBSTR(MIN(CONCAT({{ rank }}, scanned.moment, TO_JSON_STRING(STRUCT(
      scanned.session_source AS source, scanned.session_medium AS medium, scanned.session_campaign AS campaign,
      scanned.session_channel AS channel, scanned.session_step AS step
    )))), 2) AS session_record,
    MIN(IF(scanned.own_source IS NULL, NULL, CONCAT(scanned.moment, {{ own_record }}))) AS event_record,
    MIN(IF(scanned.own_source IS NULL OR scanned.says_little, NULL, CONCAT(scanned.moment, {{ own_record }}))) AS worded_record
  FROM {{ scanned }} AS scanned
  WHERE scanned.begun IS NOT NULL
  GROUP BY
    scanned.property, scanned.session_id, scanned.begun.client_id, scanned.shard, scanned.begun.started_at,
    scanned.begun.ended_at, scanned.begun.pages, scanned.begun.depth
  UNION ALL
  -- and what each that is gone by now, deleted or expired, said last
  SELECT
    known.property, known.session_id, known.client_id, kept.shard, kept.started_at, kept.ended_at, kept.pages, kept.depth,
    kept.landing, kept.session_record, kept.event_record, kept.worded_record
  FROM (
    SELECT
      visit.*,
      -- the record of a visit that one table tells, as that of its first moment
      CONCAT(CAST(UNIX_MICROS(visit.started_at) AS STRING), '000000000000') AS moment,
      TO_JSON_STRING(STRUCT(
        visit.source AS source, visit.medium AS medium, visit.campaign AS campaign,
        IF(visit.channel_is_computed, NULL, visit.channel_group) AS channel, visit.source_step AS step
      )) AS record
    FROM {{ known }} AS visit
    WHERE visit.date BETWEEN @unread_from AND @unread_until
  ) AS known
  CROSS JOIN UNNEST(IF(ARRAY_LENGTH(known.parts) > 0, known.parts, [STRUCT(
    known.shard AS shard,
    known.started_at AS started_at,
    TIMESTAMP_ADD(known.started_at, INTERVAL CAST(ROUND(known.duration_seconds * 1000000) AS INT64) MICROSECOND) AS ended_at,
    known.pages AS pages,
    known.depth AS depth,
    CONCAT(known.moment, known.landing_page) AS landing,
    IF(COALESCE(known.source_step, 'direct') IN ('first_event', 'earlier_visit', 'direct'), NULL, CONCAT(known.moment, known.record)) AS session_record,
    IF(known.source_step = 'first_event', CONCAT(known.moment, known.record), NULL) AS event_record,
    CAST(NULL AS STRING) AS worded_record
  )])) AS kept
  WHERE
    NOT {{ part_is_told }}
    -- which table told a visit of before that was kept, nobody knows: what is told of it now is all
    AND (kept.shard IS NOT NULL OR CONCAT(known.property, '/', known.session_id) NOT IN (
      SELECT CONCAT(scanned.property, '/', scanned.session_id)
      FROM {{ scanned }} AS scanned
      WHERE scanned.begun IS NOT NULL AND scanned.session_id IS NOT NULL
    ))
),
begun AS (
  -- each session as a whole, of the table that tells its first event
  SELECT
    part.property,
    part.session_id,
    MIN(part.client_id) AS client_id,
    MIN(part.started_at) AS started_at,
    MAX(part.ended_at) AS ended_at,
    SUM(part.pages) AS pages,
    SUM(part.depth) AS depth,
    MIN(part.landing) AS landing,
    SUBSTR(MIN(CONCAT({{ part_rank }}, part.session_record)), 2) AS session_record,
    MIN(part.event_record) AS event_record,
    MIN(part.worded_record) AS worded_record,
    NULLIF(SUBSTR(MIN(CONCAT(CAST(UNIX_MICROS(part.started_at) AS STRING), COALESCE(part.shard, ''))), 17), '') AS shard,
    IF(
      COUNT(*) = 1, [],
      ARRAY_AGG(
        STRUCT(
          part.shard AS shard, part.started_at AS started_at, part.ended_at AS ended_at, part.pages AS pages,
          part.depth AS depth, part.landing AS landing, part.session_record AS session_record,
          part.event_record AS event_record, part.worded_record AS worded_record
        )
        ORDER BY part.shard
      )
    ) AS parts
  FROM part
  GROUP BY part.property, part.session_id
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
  -- the visits of the tables, and what is known of the 90 days before and after
  SELECT
    recorded.property, recorded.session_id, recorded.client_id, recorded.started_at, recorded.duration_seconds,
    recorded.pages, recorded.depth, recorded.date, recorded.landing_page, recorded.shard, recorded.parts, recorded.record,
    TRUE AS is_scanned, TRUE AS is_resolved_here
  FROM recorded
  WHERE recorded.date BETWEEN DATE_SUB(@start_date, INTERVAL 1 DAY) AND @end_date
  UNION ALL
  -- visits that lend their source, of which nothing else is read
  SELECT
    lender.property, NULL, lender.client_id, lender.started_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    TO_JSON_STRING(STRUCT(
      lender.source AS source, lender.medium AS medium, lender.campaign AS campaign,
      CAST(NULL AS STRING) AS channel, lender.source_step AS step
    )),
    FALSE, FALSE
  FROM {{ known }} AS lender
  WHERE
    lender.date BETWEEN @lends_from AND @lends_until
    AND COALESCE(lender.source_step, '') NOT IN ('earlier_visit', 'direct')
    AND lender.date NOT BETWEEN @start_date AND @end_date
    -- of the day before the window the scan may know a part alone
    AND (lender.date <> DATE_SUB(@start_date, INTERVAL 1 DAY) OR NOT {{ lender_is_told }})
  UNION ALL
  -- what a later visit took from an earlier one may be another source by now
  SELECT
    taker.property, taker.session_id, taker.client_id, taker.started_at, taker.duration_seconds,
    taker.pages, taker.depth, taker.date, taker.landing_page, taker.shard, taker.parts, NULL, FALSE, TRUE
  FROM {{ known }} AS taker
  WHERE
    taker.date BETWEEN DATE_ADD(@end_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL 92 DAY)
    AND taker.source_step IN ('earlier_visit', 'direct')
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
  resolved.source_step,
  resolved.shard,
  resolved.parts
FROM resolved
