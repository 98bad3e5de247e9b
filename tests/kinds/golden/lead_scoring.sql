-- step candidates
-- @end_date DATE = "2026-11-28"
-- @start_date DATE = "2026-10-30"
-- @timezone STRING = "Europe/Berlin"
-- @v_39903922be50 STRING = "EUR"
-- @v_4b55a17ca8ae STRING = "scored"
CREATE OR REPLACE TABLE `my-project.conversions_staging.scored_1_candidates` AS
SELECT
  score.id AS id,
  IF(REGEXP_CONTAINS(score.client_id, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(score.client_id)) AS client_id,
  score.created AS created,
  @v_39903922be50 AS currency,
  score.is_qualified AS is_qualified,
  CAST([] AS ARRAY<STRUCT<key STRING, value STRING>>) AS params,
  IF(REGEXP_CONTAINS(score.user_id, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(score.user_id)) AS user_id,
  score.id AS lead_id,
  CAST(NULL AS STRING) AS person_id,
  COALESCE(score.promised_value, score.expected_value) AS value_gross,
  CAST(NULL AS FLOAT64) AS value_refunded,
  CAST(NULL AS STRING) AS refund_status,
  'predicted' AS value_kind,
  CAST(NULL AS STRING) AS value_problem,
  CAST(NULL AS FLOAT64) AS dollar_rate,
  CAST(NULL AS BOOL) AS is_preliminary,
  CAST(NULL AS STRING) AS component,
  score.gclid AS gclid,
  score.gbraid AS gbraid,
  score.wbraid AS wbraid,
  CAST(NULL AS STRING) AS dclid,
  CAST(NULL AS STRING) AS fbc,
  score.fbclid AS fbclid,
  CAST(NULL AS STRING) AS fbp,
  score.msclkid AS msclkid,
  score.ttclid AS ttclid,
  CAST(NULL AS STRING) AS ttp,
  score.li_fat_id AS li_fat_id,
  CAST(NULL AS TIMESTAMP) AS click_at,
  CAST(NULL AS TIMESTAMP) AS google_click_at,
  CAST(NULL AS TIMESTAMP) AS cm360_click_at,
  CAST(NULL AS TIMESTAMP) AS meta_click_at,
  CAST(NULL AS TIMESTAMP) AS microsoft_click_at,
  CAST(NULL AS TIMESTAMP) AS tiktok_click_at,
  CAST(NULL AS TIMESTAMP) AS linkedin_click_at,
  CAST(NULL AS STRING) AS session_id,
  CAST(NULL AS STRING) AS source,
  CAST(NULL AS STRING) AS medium,
  CAST(NULL AS STRING) AS campaign,
  CAST(NULL AS STRING) AS channel_group,
  CAST(NULL AS STRING) AS page_location,
  CAST(NULL AS STRING) AS user_agent,
  CAST(NULL AS STRING) AS ip_address,
  CAST(NULL AS STRING) AS country,
  CAST(NULL AS STRING) AS region,
  CAST(NULL AS STRING) AS city,
  CAST(NULL AS STRING) AS postal_code,
  score.email AS email,
  score.phone AS phone,
  CAST(NULL AS STRING) AS first_name,
  CAST(NULL AS STRING) AS last_name,
  CAST(NULL AS STRING) AS order_id,
  'crm' AS event_source,
  CAST(NULL AS STRING) AS consent_ad_user_data,
  CAST(NULL AS STRING) AS consent_ad_personalization,
  COALESCE(score.promised_value, score.expected_value) AS net_value,
  IF(score.is_qualified, NULL, 'unqualified_lead') AS removed
FROM `my-project.conversions.lead_scores` AS score
WHERE
  score.conversion = @v_4b55a17ca8ae
  AND score.date BETWEEN DATE_SUB(@start_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL 1 DAY)
  AND DATE(score.created, @timezone) BETWEEN @start_date AND @end_date
QUALIFY ROW_NUMBER() OVER (PARTITION BY score.id ORDER BY score.as_of DESC, score.scored_at DESC, score.model_id) = 1;

-- step difference
-- @earliest_date DATE = "2026-10-30"
-- @end_date DATE = "2026-11-28"
-- @factor FLOAT64 = null
-- @factor_as_of DATE = null
-- @fence INT64 = 1
-- @now_currency STRING = "EUR"
-- @run_id STRING = "paper"
-- @start_date DATE = "2026-10-30"
-- @timezone STRING = "Europe/Berlin"
-- @unit_value FLOAT64 = null
-- @v_39903922be50 STRING = "EUR"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
-- @version INT64 = 1
-- the statement of custom.sql

-- step with
-- @closed_date DATE = "2026-11-28"
-- @end_date DATE = "2026-11-28"
-- @recent_end DATE = "2026-11-28"
-- @recent_start DATE = "2026-10-30"
-- @start_date DATE = "2026-10-30"
-- @timezone STRING = "Europe/Berlin"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
-- the statement of simple.sql

-- step merge_conversion_scored
-- @first_date DATE = "2026-10-29"
-- @last_date DATE = "2026-11-28"
-- the statement of simple.sql

-- step insert_conversion_changes
-- @definition_id STRING = "scored"
-- @end_date DATE = "2026-11-28"
-- @fence INT64 = 1
-- @is_edited BOOL = true
-- @is_first BOOL = false
-- @now TIMESTAMP = "2026-11-29 00:00:00+00:00"
-- @run_id STRING = "paper"
-- @start_date DATE = "2026-10-30"
-- @trigger STRING = "schedule"
-- @usual_cause STRING = "rescored"
-- @version INT64 = 1
-- the statement of simple.sql

-- step truncate
-- the statement of simple.sql
