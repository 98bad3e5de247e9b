-- step raw
-- @end_date DATE = "2026-11-28"
-- @start_date DATE = "2026-11-28"
CREATE OR REPLACE TABLE `my-project.conversions_staging.order_1_raw` AS
SELECT id, client_id, lead_id, created, value FROM `my-project.crm.orders` WHERE date BETWEEN @start_date AND @end_date;

-- step candidates
-- @end_date DATE = "2026-11-28"
-- @start_date DATE = "2026-11-28"
-- @v_39903922be50 STRING = "EUR"
-- @v_6989d769791f ARRAY<STRING> = ["AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", ... 147 more]
CREATE OR REPLACE TABLE `my-project.conversions_staging.order_1_candidates` AS
WITH RECURSIVE
answered AS (
  -- the answer of the user's query, each row as a candidate
  SELECT
  CAST(ROW_NUMBER() OVER (ORDER BY answer.created, answer.id) AS STRING) AS event_key,
  CAST(answer.`id` AS STRING) AS id,
  IF(REGEXP_CONTAINS(CAST(answer.`client_id` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`client_id` AS STRING))) AS client_id,
  CAST(answer.`created` AS TIMESTAMP) AS created,
  IF(COALESCE(UPPER(IF(REGEXP_CONTAINS(CAST(answer.`currency` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`currency` AS STRING)))), @v_39903922be50) IN UNNEST(@v_6989d769791f), COALESCE(UPPER(IF(REGEXP_CONTAINS(CAST(answer.`currency` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`currency` AS STRING)))), @v_39903922be50), NULL) AS currency,
  CAST(answer.`is_qualified` AS BOOL) AS is_qualified,
  ARRAY(
    SELECT AS STRUCT parameter.key AS key, parameter.value AS value
    FROM UNNEST(answer.params) AS parameter WITH OFFSET AS position
    WHERE
      parameter.key IS NOT NULL
      AND parameter.value IS NOT NULL
      -- of a key that is there twice the first one counts
      AND NOT EXISTS (
        SELECT 1
        FROM UNNEST(answer.params) AS earlier WITH OFFSET AS place
        WHERE earlier.key = parameter.key AND earlier.value IS NOT NULL AND place < position
      )
    ORDER BY position
  ) AS params,
  IF(REGEXP_CONTAINS(CAST(answer.`user_id` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`user_id` AS STRING))) AS user_id,
  IF(REGEXP_CONTAINS(CAST(answer.`lead_id` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`lead_id` AS STRING))) AS lead_id,
  CAST(NULL AS STRING) AS person_id,
  IF(CAST(answer.`value` AS FLOAT64) < 0 OR IS_NAN(CAST(answer.`value` AS FLOAT64)) OR IS_INF(CAST(answer.`value` AS FLOAT64)), NULL, CAST(answer.`value` AS FLOAT64)) AS value_gross,
  CAST(NULL AS FLOAT64) AS value_refunded,
  CAST(NULL AS STRING) AS refund_status,
  IF(IF(CAST(answer.`value` AS FLOAT64) < 0 OR IS_NAN(CAST(answer.`value` AS FLOAT64)) OR IS_INF(CAST(answer.`value` AS FLOAT64)), NULL, CAST(answer.`value` AS FLOAT64)) IS NULL, 'none', 'actual') AS value_kind,
  CASE WHEN CAST(answer.`value` AS FLOAT64) < 0 THEN 'negative_value' WHEN IS_NAN(CAST(answer.`value` AS FLOAT64)) OR IS_INF(CAST(answer.`value` AS FLOAT64)) THEN 'unreadable_value' WHEN COALESCE(UPPER(IF(REGEXP_CONTAINS(CAST(answer.`currency` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`currency` AS STRING)))), @v_39903922be50) NOT IN UNNEST(@v_6989d769791f) THEN 'unreadable_currency' END AS value_problem,
  CAST(NULL AS FLOAT64) AS dollar_rate,
  CAST(NULL AS BOOL) AS is_preliminary,
  CAST(NULL AS STRING) AS component,
  IF(REGEXP_CONTAINS(CAST(answer.`gclid` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*[{}\[\]()<>\s].*|__.*__)\s*$'), NULL, TRIM(CAST(answer.`gclid` AS STRING))) AS gclid,
  IF(REGEXP_CONTAINS(CAST(answer.`gbraid` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*[{}\[\]()<>\s].*|__.*__)\s*$'), NULL, TRIM(CAST(answer.`gbraid` AS STRING))) AS gbraid,
  IF(REGEXP_CONTAINS(CAST(answer.`wbraid` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*[{}\[\]()<>\s].*|__.*__)\s*$'), NULL, TRIM(CAST(answer.`wbraid` AS STRING))) AS wbraid,
  IF(REGEXP_CONTAINS(CAST(answer.`dclid` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*[{}\[\]()<>\s].*|__.*__)\s*$'), NULL, TRIM(CAST(answer.`dclid` AS STRING))) AS dclid,
  IF(REGEXP_CONTAINS(CAST(answer.`fbc` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*[{}\[\]()<>\s].*|__.*__)\s*$'), NULL, TRIM(CAST(answer.`fbc` AS STRING))) AS fbc,
  IF(REGEXP_CONTAINS(CAST(answer.`fbclid` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*[{}\[\]()<>\s].*|__.*__)\s*$'), NULL, TRIM(CAST(answer.`fbclid` AS STRING))) AS fbclid,
  IF(REGEXP_CONTAINS(CAST(answer.`fbp` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*[{}\[\]()<>\s].*|__.*__)\s*$'), NULL, TRIM(CAST(answer.`fbp` AS STRING))) AS fbp,
  IF(REGEXP_CONTAINS(CAST(answer.`msclkid` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*[{}\[\]()<>\s].*|__.*__)\s*$'), NULL, TRIM(CAST(answer.`msclkid` AS STRING))) AS msclkid,
  IF(REGEXP_CONTAINS(CAST(answer.`ttclid` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*[{}\[\]()<>\s].*|__.*__)\s*$'), NULL, TRIM(CAST(answer.`ttclid` AS STRING))) AS ttclid,
  IF(REGEXP_CONTAINS(CAST(answer.`ttp` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*[{}\[\]()<>\s].*|__.*__)\s*$'), NULL, TRIM(CAST(answer.`ttp` AS STRING))) AS ttp,
  IF(REGEXP_CONTAINS(CAST(answer.`li_fat_id` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*[{}\[\]()<>\s].*|__.*__)\s*$'), NULL, TRIM(CAST(answer.`li_fat_id` AS STRING))) AS li_fat_id,
  CAST(answer.`click_at` AS TIMESTAMP) AS click_at,
  CAST(NULL AS TIMESTAMP) AS google_click_at,
  CAST(NULL AS TIMESTAMP) AS cm360_click_at,
  CAST(NULL AS TIMESTAMP) AS meta_click_at,
  CAST(NULL AS TIMESTAMP) AS microsoft_click_at,
  CAST(NULL AS TIMESTAMP) AS tiktok_click_at,
  CAST(NULL AS TIMESTAMP) AS linkedin_click_at,
  CAST(answer.`session_id` AS STRING) AS session_id,
  IF(REGEXP_CONTAINS(CAST(answer.`source` AS STRING), r'(?i)^\s*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`source` AS STRING))) AS source,
  IF(REGEXP_CONTAINS(CAST(answer.`medium` AS STRING), r'(?i)^\s*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`medium` AS STRING))) AS medium,
  IF(REGEXP_CONTAINS(CAST(answer.`campaign` AS STRING), r'(?i)^\s*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`campaign` AS STRING))) AS campaign,
  CAST(NULL AS STRING) AS channel_group,
  CAST(answer.`page_location` AS STRING) AS page_location,
  CAST(answer.`user_agent` AS STRING) AS user_agent,
  CAST(answer.`ip_address` AS STRING) AS ip_address,
  IF(REGEXP_CONTAINS(CAST(answer.`country` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`country` AS STRING))) AS country,
  IF(REGEXP_CONTAINS(CAST(answer.`region` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`region` AS STRING))) AS region,
  IF(REGEXP_CONTAINS(CAST(answer.`city` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`city` AS STRING))) AS city,
  IF(REGEXP_CONTAINS(CAST(answer.`postal_code` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`postal_code` AS STRING))) AS postal_code,
  IF(REGEXP_CONTAINS(CAST(answer.`email` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`email` AS STRING))) AS email,
  IF(REGEXP_CONTAINS(CAST(answer.`phone` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`phone` AS STRING))) AS phone,
  IF(REGEXP_CONTAINS(CAST(answer.`first_name` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`first_name` AS STRING))) AS first_name,
  IF(REGEXP_CONTAINS(CAST(answer.`last_name` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`last_name` AS STRING))) AS last_name,
  IF(REGEXP_CONTAINS(CAST(answer.`order_id` AS STRING), r'(?i)^\s*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)\s*$'), NULL, TRIM(CAST(answer.`order_id` AS STRING))) AS order_id,
  CAST(answer.`event_source` AS STRING) AS event_source,
  CAST(answer.`consent_ad_user_data` AS STRING) AS consent_ad_user_data,
  CAST(answer.`consent_ad_personalization` AS STRING) AS consent_ad_personalization,
  IF(CAST(answer.`value` AS FLOAT64) < 0 OR IS_NAN(CAST(answer.`value` AS FLOAT64)) OR IS_INF(CAST(answer.`value` AS FLOAT64)), NULL, CAST(answer.`value` AS FLOAT64)) AS net_value,
  CAST(NULL AS STRING) AS removed
  FROM `my-project.conversions_staging.order_1_raw` AS answer
),
inherited AS (
  -- each row with what its lead knows and it does not
  SELECT previous.* REPLACE (
    COALESCE(previous.client_id, lead.client_id) AS client_id,
    COALESCE(previous.user_id, lead.user_id) AS user_id,
    COALESCE(previous.fbc, lead.fbc) AS fbc,
    COALESCE(previous.fbp, lead.fbp) AS fbp,
    COALESCE(previous.ttp, lead.ttp) AS ttp,
    COALESCE(previous.click_at, lead.click_at) AS click_at,
    IF(COALESCE(previous.gclid, previous.gbraid, previous.wbraid) IS NULL, lead.google_click_at, COALESCE(previous.google_click_at, previous.click_at)) AS google_click_at,
    IF(COALESCE(previous.gclid, previous.gbraid, previous.wbraid) IS NULL, lead.gclid, previous.gclid) AS gclid,
    IF(COALESCE(previous.gclid, previous.gbraid, previous.wbraid) IS NULL, lead.gbraid, previous.gbraid) AS gbraid,
    IF(COALESCE(previous.gclid, previous.gbraid, previous.wbraid) IS NULL, lead.wbraid, previous.wbraid) AS wbraid,
    IF(COALESCE(previous.dclid) IS NULL, lead.cm360_click_at, COALESCE(previous.cm360_click_at, previous.click_at)) AS cm360_click_at,
    IF(COALESCE(previous.dclid) IS NULL, lead.dclid, previous.dclid) AS dclid,
    IF(COALESCE(previous.fbclid) IS NULL, lead.meta_click_at, COALESCE(previous.meta_click_at, previous.click_at)) AS meta_click_at,
    IF(COALESCE(previous.fbclid) IS NULL, lead.fbclid, previous.fbclid) AS fbclid,
    IF(COALESCE(previous.msclkid) IS NULL, lead.microsoft_click_at, COALESCE(previous.microsoft_click_at, previous.click_at)) AS microsoft_click_at,
    IF(COALESCE(previous.msclkid) IS NULL, lead.msclkid, previous.msclkid) AS msclkid,
    IF(COALESCE(previous.ttclid) IS NULL, lead.tiktok_click_at, COALESCE(previous.tiktok_click_at, previous.click_at)) AS tiktok_click_at,
    IF(COALESCE(previous.ttclid) IS NULL, lead.ttclid, previous.ttclid) AS ttclid,
    IF(COALESCE(previous.li_fat_id) IS NULL, lead.linkedin_click_at, COALESCE(previous.linkedin_click_at, previous.click_at)) AS linkedin_click_at,
    IF(COALESCE(previous.li_fat_id) IS NULL, lead.li_fat_id, previous.li_fat_id) AS li_fat_id,
    IF(COALESCE(previous.source, previous.medium, previous.campaign, previous.channel_group) IS NULL, lead.source, previous.source) AS source,
    IF(COALESCE(previous.source, previous.medium, previous.campaign, previous.channel_group) IS NULL, lead.medium, previous.medium) AS medium,
    IF(COALESCE(previous.source, previous.medium, previous.campaign, previous.channel_group) IS NULL, lead.campaign, previous.campaign) AS campaign,
    IF(COALESCE(previous.source, previous.medium, previous.campaign, previous.channel_group) IS NULL, lead.channel_group, previous.channel_group) AS channel_group,
    IF(COALESCE(previous.session_id) IS NULL, lead.session_id, previous.session_id) AS session_id,
    IF(COALESCE(previous.page_location) IS NULL, lead.page_location, previous.page_location) AS page_location
  )
  FROM answered AS previous
  -- a row cannot inherit from a lead that came after it
  LEFT JOIN `my-project.conversions.conversion_lead` AS lead
    ON lead.id = previous.lead_id
    AND lead.created <= previous.created
    -- nor, after two years, from one that nobody remembers
    AND lead.date BETWEEN DATE_SUB(@start_date, INTERVAL 731 DAY) AND @end_date
)
SELECT last.* EXCEPT (event_key) FROM inherited AS last;

-- step difference
-- @end_date DATE = "2026-11-28"
-- @factor FLOAT64 = null
-- @factor_as_of DATE = null
-- @fence INT64 = 1
-- @now_currency STRING = "EUR"
-- @run_id STRING = "paper"
-- @settled_date DATE = "2026-11-25"
-- @start_date DATE = "2026-11-28"
-- @timezone STRING = "Europe/Berlin"
-- @unit_value FLOAT64 = null
-- @v_39903922be50 STRING = "EUR"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
-- @version INT64 = 1
-- the statement of simple.sql

-- step select
-- @end_date DATE = "2026-11-28"
-- @start_date DATE = "2026-11-28"
-- @timezone STRING = "Europe/Berlin"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
-- the statement of simple.sql

-- step merge_conversion_order
-- @end_date DATE = "2026-11-28"
-- @fence INT64 = 1
-- @lease STRING = "order"
-- @start_date DATE = "2026-11-25"
-- the statement of simple.sql

-- step with
-- @end_date DATE = "2026-11-28"
-- @lease STRING = "order"
-- @recent_end DATE = "2026-11-28"
-- @recent_start DATE = "2026-10-30"
-- @start_date DATE = "2026-11-28"
-- the statement of simple.sql

-- step insert_conversion_changes
-- @definition_id STRING = "order"
-- @end_date DATE = "2026-11-28"
-- @fence INT64 = 1
-- @first_date DATE = "2026-11-25"
-- @is_edited BOOL = true
-- @is_first BOOL = false
-- @last_date DATE = "2026-11-28"
-- @now TIMESTAMP = "2026-11-29 00:00:00+00:00"
-- @run_id STRING = "paper"
-- @start_date DATE = "2026-11-28"
-- @trigger STRING = "schedule"
-- @usual_cause STRING = "crm_change"
-- @version INT64 = 1
-- the statement of simple.sql
