-- step candidates
-- @end_date DATE = "2026-11-28"
-- @start_date DATE = "2026-11-25"
-- @v_22a5fbb1a1e6 INT64 = 604800000000
-- @v_d22dda355198 STRING = "purchase"
-- @v_e6e52556de0c STRING = "lead"
CREATE OR REPLACE TABLE `my-project.conversions_staging.both_1_candidates` AS
WITH RECURSIVE
members AS (
  -- the rows of its members, by the order in which they are listed
  SELECT
  CONCAT('000', '/', member.id) AS event_key,
  CONCAT(@v_d22dda355198, '/', member.id) AS id,
  member.client_id AS client_id,
  member.created AS created,
  member.currency AS currency,
  member.is_qualified AS is_qualified,
  member.params AS params,
  member.user_id AS user_id,
  member.lead_id AS lead_id,
  CAST(NULL AS STRING) AS person_id,
  member.value_gross AS value_gross,
  member.value_refunded AS value_refunded,
  member.refund_status AS refund_status,
  member.value_kind AS value_kind,
  member.value_problem AS value_problem,
  member.dollar_rate AS dollar_rate,
  member.is_preliminary AS is_preliminary,
  @v_d22dda355198 AS component,
  member.gclid AS gclid,
  member.gbraid AS gbraid,
  member.wbraid AS wbraid,
  member.dclid AS dclid,
  member.fbc AS fbc,
  member.fbclid AS fbclid,
  member.fbp AS fbp,
  member.msclkid AS msclkid,
  member.ttclid AS ttclid,
  member.ttp AS ttp,
  member.li_fat_id AS li_fat_id,
  member.click_at AS click_at,
  member.google_click_at AS google_click_at,
  member.cm360_click_at AS cm360_click_at,
  member.meta_click_at AS meta_click_at,
  member.microsoft_click_at AS microsoft_click_at,
  member.tiktok_click_at AS tiktok_click_at,
  member.linkedin_click_at AS linkedin_click_at,
  member.session_id AS session_id,
  member.source AS source,
  member.medium AS medium,
  member.campaign AS campaign,
  member.channel_group AS channel_group,
  member.page_location AS page_location,
  member.user_agent AS user_agent,
  member.ip_address AS ip_address,
  member.country AS country,
  member.region AS region,
  member.city AS city,
  member.postal_code AS postal_code,
  member.email AS email,
  member.phone AS phone,
  member.first_name AS first_name,
  member.last_name AS last_name,
  member.order_id AS order_id,
  member.event_source AS event_source,
  member.consent_ad_user_data AS consent_ad_user_data,
  member.consent_ad_personalization AS consent_ad_personalization,
  member.value AS net_value,
  CAST(NULL AS STRING) AS removed
  FROM `my-project.conversions.conversion_purchase` AS member
  WHERE member.date BETWEEN @start_date AND @end_date
  UNION ALL
  SELECT
  CONCAT('001', '/', member.id) AS event_key,
  CONCAT(@v_e6e52556de0c, '/', member.id) AS id,
  member.client_id AS client_id,
  member.created AS created,
  member.currency AS currency,
  member.is_qualified AS is_qualified,
  member.params AS params,
  member.user_id AS user_id,
  member.lead_id AS lead_id,
  CAST(NULL AS STRING) AS person_id,
  member.value_gross AS value_gross,
  member.value_refunded AS value_refunded,
  member.refund_status AS refund_status,
  member.value_kind AS value_kind,
  member.value_problem AS value_problem,
  member.dollar_rate AS dollar_rate,
  member.is_preliminary AS is_preliminary,
  @v_e6e52556de0c AS component,
  member.gclid AS gclid,
  member.gbraid AS gbraid,
  member.wbraid AS wbraid,
  member.dclid AS dclid,
  member.fbc AS fbc,
  member.fbclid AS fbclid,
  member.fbp AS fbp,
  member.msclkid AS msclkid,
  member.ttclid AS ttclid,
  member.ttp AS ttp,
  member.li_fat_id AS li_fat_id,
  member.click_at AS click_at,
  member.google_click_at AS google_click_at,
  member.cm360_click_at AS cm360_click_at,
  member.meta_click_at AS meta_click_at,
  member.microsoft_click_at AS microsoft_click_at,
  member.tiktok_click_at AS tiktok_click_at,
  member.linkedin_click_at AS linkedin_click_at,
  member.session_id AS session_id,
  member.source AS source,
  member.medium AS medium,
  member.campaign AS campaign,
  member.channel_group AS channel_group,
  member.page_location AS page_location,
  member.user_agent AS user_agent,
  member.ip_address AS ip_address,
  member.country AS country,
  member.region AS region,
  member.city AS city,
  member.postal_code AS postal_code,
  member.email AS email,
  member.phone AS phone,
  member.first_name AS first_name,
  member.last_name AS last_name,
  member.order_id AS order_id,
  member.event_source AS event_source,
  member.consent_ad_user_data AS consent_ad_user_data,
  member.consent_ad_personalization AS consent_ad_personalization,
  member.value AS net_value,
  CAST(NULL AS STRING) AS removed
  FROM `my-project.conversions.conversion_lead` AS member
  WHERE member.date BETWEEN @start_date AND @end_date
),
earlier AS (
  -- which clients counted before the window, and when last
  SELECT target.client_id AS key, MAX(target.created) AS created
  FROM `my-project.conversions.conversion_both` AS target
  WHERE target.date < @start_date AND target.client_id IS NOT NULL
  GROUP BY 1
),
numbered AS (
  -- the candidates of each person in order, and which one is the first at least the window later
  SELECT
    previous.event_key,
    previous.client_id AS key,
    ROW_NUMBER() OVER (PARTITION BY previous.client_id ORDER BY previous.created, previous.event_key) AS position,
    COUNT(*) OVER (
      PARTITION BY previous.client_id ORDER BY UNIX_MICROS(previous.created)
      RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) - COUNT(*) OVER (
      PARTITION BY previous.client_id ORDER BY UNIX_MICROS(previous.created)
      RANGE BETWEEN @v_22a5fbb1a1e6 FOLLOWING AND UNBOUNDED FOLLOWING
    ) + 1 AS next_position,
    earlier.created IS NULL
      OR UNIX_MICROS(previous.created) - UNIX_MICROS(earlier.created) >= @v_22a5fbb1a1e6 AS can_start
  FROM members AS previous
  LEFT JOIN earlier ON earlier.key = previous.client_id
  WHERE previous.removed IS NULL AND previous.client_id IS NOT NULL
),
kept AS (
  -- of each person the candidates that count: the next one is at least the window after the one before
  SELECT numbered.key, MIN(numbered.position) AS position
  FROM numbered
  WHERE numbered.can_start
  GROUP BY numbered.key
  UNION ALL
  SELECT next_row.key, next_row.position
  FROM kept
  INNER JOIN numbered AS present ON present.key = kept.key AND present.position = kept.position
  INNER JOIN numbered AS next_row ON next_row.key = present.key AND next_row.position = present.next_position
),
spaced AS (
  -- candidates that follow a counted one too soon are out
  SELECT previous.* REPLACE (
    COALESCE(
      previous.removed,
      IF(numbered.event_key IS NOT NULL AND kept.key IS NULL, 'duplicate_user', NULL)
    ) AS removed
  )
  FROM members AS previous
  LEFT JOIN numbered ON numbered.event_key = previous.event_key
  LEFT JOIN kept ON kept.key = numbered.key AND kept.position = numbered.position
)
SELECT last.* EXCEPT (event_key) FROM spaced AS last;

-- step difference
-- @end_date DATE = "2026-11-28"
-- @factor FLOAT64 = null
-- @factor_as_of DATE = null
-- @fence INT64 = 1
-- @now_currency STRING = "EUR"
-- @run_id STRING = "paper"
-- @settled_date DATE = "2026-11-25"
-- @start_date DATE = "2026-11-25"
-- @timezone STRING = "Europe/Berlin"
-- @unit_value FLOAT64 = null
-- @v_39903922be50 STRING = "EUR"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
-- @version INT64 = 1
-- the statement of simple.sql

-- step select
-- @end_date DATE = "2026-11-28"
-- @start_date DATE = "2026-11-25"
-- @timezone STRING = "Europe/Berlin"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
-- the statement of simple.sql

-- step merge_conversion_both
-- @end_date DATE = "2026-11-28"
-- @fence INT64 = 1
-- @lease STRING = "both"
-- @start_date DATE = "2026-11-25"
-- the statement of simple.sql

-- step with
-- @end_date DATE = "2026-11-28"
-- @lease STRING = "both"
-- @recent_end DATE = "2026-11-28"
-- @recent_start DATE = "2026-10-30"
-- @start_date DATE = "2026-11-25"
-- the statement of simple.sql

-- step insert_conversion_changes
-- @definition_id STRING = "both"
-- @end_date DATE = "2026-11-28"
-- @fence INT64 = 1
-- @first_date DATE = "2026-11-25"
-- @is_edited BOOL = true
-- @is_first BOOL = false
-- @last_date DATE = "2026-11-28"
-- @now TIMESTAMP = "2026-11-29 00:00:00+00:00"
-- @run_id STRING = "paper"
-- @start_date DATE = "2026-11-25"
-- @trigger STRING = "schedule"
-- @usual_cause STRING = "late_data"
-- @version INT64 = 1
-- the statement of simple.sql
