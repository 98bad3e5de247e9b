-- step stage_scanned
-- @end_date DATE = "2026-11-28"
-- @event_names ARRAY<STRING> = ["login", "purchase", "refund", "session_start", "sign_up"]
-- @first_suffix STRING = "20261124"
-- @last_suffix STRING = "20261129"
-- @nobody ARRAY<STRING> = ["", "(not set)", "(none)", "undefined", "null", "nan", "none", "0"]
-- @start_date DATE = "2026-11-25"
-- @timezone STRING = "Europe/Berlin"
-- @v_632982f95429 STRING = "my-project.analytics_1"
CREATE OR REPLACE TABLE `my-project.conversions_staging.stage_1_scanned` AS
-- One row an event: ids that stand for nobody are NULL, amounts are FLOAT64, parameters have one shape.
WITH
exported AS (
  -- the events of the daily tables, of all properties
  SELECT
    @v_632982f95429 AS property,
    event.event_name,
    TIMESTAMP_MICROS(event.event_timestamp) AS occurred_at,
    event.user_pseudo_id AS client_id,
    CAST(event.user_id AS STRING) AS user_id,
    CAST(event.ecommerce.transaction_id AS STRING) AS transaction_id,
    CAST(event.ecommerce.purchase_revenue AS FLOAT64) AS purchase_revenue,
    CAST(event.ecommerce.refund_value AS FLOAT64) AS refund_amount,
    COALESCE(CAST(event.session_traffic_source_last_click.manual_campaign.source AS STRING), CAST(event.collected_traffic_source.manual_source AS STRING), CAST(event.traffic_source.source AS STRING)) AS source,
    COALESCE(CAST(event.session_traffic_source_last_click.manual_campaign.medium AS STRING), CAST(event.collected_traffic_source.manual_medium AS STRING), CAST(event.traffic_source.medium AS STRING)) AS medium,
    COALESCE(CAST(event.session_traffic_source_last_click.manual_campaign.campaign_name AS STRING), CAST(event.collected_traffic_source.manual_campaign_name AS STRING), CAST(event.traffic_source.name AS STRING)) AS campaign,
    CAST(event.collected_traffic_source.gclid AS STRING) AS gclid,
    CAST(event.collected_traffic_source.dclid AS STRING) AS dclid,
    CAST(event.device.category AS STRING) AS device_category,
    CAST(event.device.operating_system AS STRING) AS operating_system,
    COALESCE(CAST(event.device.web_info.browser AS STRING), CAST(event.device.browser AS STRING)) AS browser,
    CAST(event.device.language AS STRING) AS language,
    CAST(event.device.web_info.hostname AS STRING) AS hostname,
    CAST(event.geo.country AS STRING) AS country,
    CAST(event.geo.region AS STRING) AS region,
    CAST(event.geo.city AS STRING) AS city,
    CAST(event.geo.continent AS STRING) AS continent,
    CAST(event.platform AS STRING) AS platform,
    CAST(event.stream_id AS STRING) AS stream_id,
    CAST(event.privacy_info.ads_storage AS STRING) AS ads_storage,
    CONCAT(COALESCE(CAST(event.batch_page_id AS STRING), ''), '/', COALESCE(CAST(event.batch_ordering_id AS STRING), ''), '/', COALESCE(CAST(event.batch_event_index AS STRING), '')) AS key_rest,
    ARRAY(SELECT AS STRUCT CAST(parameter.key AS STRING) AS key, COALESCE(CAST(parameter.value.string_value AS STRING), CAST(parameter.value.int_value AS STRING), CAST(parameter.value.double_value AS STRING), CAST(parameter.value.float_value AS STRING)) AS text, COALESCE(CAST(parameter.value.int_value AS FLOAT64), CAST(parameter.value.double_value AS FLOAT64), CAST(parameter.value.float_value AS FLOAT64), SAFE_CAST(CAST(parameter.value.string_value AS STRING) AS FLOAT64)) AS number FROM UNNEST(event.event_params) AS parameter) AS event_params,
    ARRAY(SELECT AS STRUCT CAST(parameter.key AS STRING) AS key, COALESCE(CAST(parameter.value.string_value AS STRING), CAST(parameter.value.int_value AS STRING), CAST(parameter.value.double_value AS STRING), CAST(parameter.value.float_value AS STRING)) AS text, COALESCE(CAST(parameter.value.int_value AS FLOAT64), CAST(parameter.value.double_value AS FLOAT64), CAST(parameter.value.float_value AS FLOAT64), SAFE_CAST(CAST(parameter.value.string_value AS STRING) AS FLOAT64)) AS number FROM UNNEST(event.user_properties) AS parameter) AS user_properties,
    ARRAY(SELECT AS STRUCT CAST(item.item_id AS STRING) AS item_id, CAST(item.item_name AS STRING) AS item_name, CAST(item.item_brand AS STRING) AS item_brand, CAST(item.item_variant AS STRING) AS item_variant, CAST(item.item_category AS STRING) AS item_category, CAST(item.item_category2 AS STRING) AS item_category2, CAST(item.item_category3 AS STRING) AS item_category3, CAST(item.item_category4 AS STRING) AS item_category4, CAST(item.item_category5 AS STRING) AS item_category5, CAST(item.coupon AS STRING) AS coupon, CAST(item.affiliation AS STRING) AS affiliation, CAST(item.price AS FLOAT64) AS price, CAST(item.quantity AS FLOAT64) AS quantity, CAST(item.item_revenue AS FLOAT64) AS item_revenue, CAST(item.item_refund AS FLOAT64) AS item_refund FROM UNNEST(event.items) AS item) AS items
  FROM `my-project.analytics_1.events_*` AS event
  WHERE
    event._TABLE_SUFFIX BETWEEN @first_suffix AND @last_suffix
    AND REGEXP_CONTAINS(event._TABLE_SUFFIX, r'^\d{8}$')
    AND event.event_name IN UNNEST(@event_names)
    AND DATE(TIMESTAMP_MICROS(event.event_timestamp), @timezone) BETWEEN @start_date AND @end_date
),
named AS (
  -- each event once, its parameters under names of their own
  SELECT
    exported.*,
    TO_HEX(SHA256(CONCAT(
      exported.property, '|', COALESCE(exported.client_id, ''), '|', exported.event_name, '|',
      CAST(UNIX_MICROS(exported.occurred_at) AS STRING), '|', exported.key_rest
    ))) AS event_key,
    (SELECT parameter.number FROM UNNEST(exported.event_params) AS parameter WHERE parameter.key = 'value' LIMIT 1) AS param_value,
    (SELECT parameter.text FROM UNNEST(exported.event_params) AS parameter WHERE parameter.key = 'currency' LIMIT 1) AS param_currency,
    (SELECT parameter.text FROM UNNEST(exported.event_params) AS parameter WHERE parameter.key = 'coupon' LIMIT 1) AS param_coupon,
    (SELECT parameter.text FROM UNNEST(exported.event_params) AS parameter WHERE parameter.key = 'ga_session_id' LIMIT 1) AS param_session,
    (SELECT parameter.number FROM UNNEST(exported.event_params) AS parameter WHERE parameter.key = 'ga_session_number' LIMIT 1) AS param_session_number,
    (SELECT parameter.text FROM UNNEST(exported.event_params) AS parameter WHERE parameter.key = 'page_location' LIMIT 1) AS page_location,
    (SELECT parameter.text FROM UNNEST(exported.event_params) AS parameter WHERE parameter.key = 'page_title' LIMIT 1) AS page_title,
    (SELECT parameter.text FROM UNNEST(exported.event_params) AS parameter WHERE parameter.key = 'page_referrer' LIMIT 1) AS page_referrer,
    (SELECT SUM(item.item_refund) FROM UNNEST(exported.items) AS item) AS items_refund,
    (SELECT SUM(item.price * item.quantity) FROM UNNEST(exported.items) AS item) AS items_total
  FROM exported
  QUALIFY ROW_NUMBER() OVER (PARTITION BY event_key ORDER BY exported.occurred_at) = 1
)
SELECT
  DATE(named.occurred_at, @timezone) AS date,
  named.event_key,
  named.property,
  named.event_name,
  named.occurred_at,
  IF(LOWER(TRIM(named.client_id)) IN UNNEST(@nobody), NULL, named.client_id) AS client_id,
  IF(LOWER(TRIM(named.user_id)) IN UNNEST(@nobody), NULL, TRIM(named.user_id)) AS user_id,
  IF(LOWER(TRIM(named.client_id)) IN UNNEST(@nobody), NULL, CONCAT(named.client_id, '.', named.param_session)) AS session_id,
  CAST(named.param_session_number AS INT64) AS session_number,
  IF(LOWER(TRIM(named.transaction_id)) IN UNNEST(@nobody), NULL, TRIM(named.transaction_id)) AS order_id,
  named.param_value AS value,
  COALESCE(named.purchase_revenue, named.param_value) AS revenue,
  IF(named.event_name = 'refund', COALESCE(named.refund_amount, named.items_refund, named.items_total, named.param_value), NULL) AS refund_value,
  UPPER(NULLIF(TRIM(named.param_currency), '')) AS currency,
  named.param_coupon AS coupon,
  named.event_params,
  named.user_properties,
  named.items,
  named.page_location,
  REGEXP_EXTRACT(named.page_location, r'^[^:]+://[^/?#]+([^?#]*)') AS page_path,
  COALESCE(REGEXP_EXTRACT(named.page_location, r'^[^:]+://([^/?#]+)'), named.hostname) AS page_hostname,
  named.page_title,
  named.page_referrer,
  named.source,
  named.medium,
  named.campaign,
  named.device_category,
  named.operating_system,
  named.browser,
  named.language,
  named.country,
  named.region,
  named.city,
  named.continent,
  named.platform,
  named.stream_id,
  COALESCE(named.gclid, REGEXP_EXTRACT(named.page_location, r'[?&]gclid=([^&#]+)')) AS gclid,
  REGEXP_EXTRACT(named.page_location, r'[?&]gbraid=([^&#]+)') AS gbraid,
  REGEXP_EXTRACT(named.page_location, r'[?&]wbraid=([^&#]+)') AS wbraid,
  COALESCE(named.dclid, REGEXP_EXTRACT(named.page_location, r'[?&]dclid=([^&#]+)')) AS dclid,
  REGEXP_EXTRACT(named.page_location, r'[?&]fbclid=([^&#]+)') AS fbclid,
  REGEXP_EXTRACT(named.page_location, r'[?&]msclkid=([^&#]+)') AS msclkid,
  REGEXP_EXTRACT(named.page_location, r'[?&]ttclid=([^&#]+)') AS ttclid,
  REGEXP_EXTRACT(named.page_location, r'[?&]li_fat_id=([^&#]+)') AS li_fat_id,
  -- a refusal is passed on; a GA4 "Yes" is no consent to hand user data to a platform
  IF(named.ads_storage = 'No', 'denied', NULL) AS consent_ad_user_data,
  IF(named.ads_storage = 'No', 'denied', NULL) AS consent_ad_personalization
FROM named;

-- step stage_difference
-- @end_date DATE = "2026-11-28"
-- @event_names ARRAY<STRING> = ["login", "purchase", "refund", "session_start", "sign_up"]
-- @start_date DATE = "2026-11-25"
CREATE OR REPLACE TABLE `my-project.conversions_staging.stage_1_difference` AS
WITH
fresh AS (
  -- the events of the scan with a fingerprint of each row
  SELECT told.* EXCEPT (row_text), CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(told.row_text)), 1, 15)) AS INT64) AS row_hash
  FROM (
    SELECT
      scanned.date, scanned.event_key, scanned.property, scanned.event_name, scanned.occurred_at, scanned.client_id, scanned.user_id, scanned.session_id, scanned.session_number, scanned.order_id, scanned.value, scanned.revenue, scanned.refund_value, scanned.currency, scanned.coupon, scanned.event_params, scanned.user_properties, scanned.items, scanned.page_location, scanned.page_path, scanned.page_hostname, scanned.page_title, scanned.page_referrer, scanned.source, scanned.medium, scanned.campaign, scanned.device_category, scanned.operating_system, scanned.browser, scanned.language, scanned.country, scanned.region, scanned.city, scanned.continent, scanned.platform, scanned.stream_id, scanned.gclid, scanned.gbraid, scanned.wbraid, scanned.dclid, scanned.fbclid, scanned.msclkid, scanned.ttclid, scanned.li_fat_id, scanned.consent_ad_user_data, scanned.consent_ad_personalization,
      ARRAY_TO_STRING([CAST(scanned.date AS STRING), scanned.event_key, scanned.property, scanned.event_name, CAST(scanned.occurred_at AS STRING), scanned.client_id, scanned.user_id, scanned.session_id, CAST(scanned.session_number AS STRING), scanned.order_id, CAST(scanned.value AS STRING), CAST(scanned.revenue AS STRING), CAST(scanned.refund_value AS STRING), scanned.currency, scanned.coupon, TO_JSON_STRING(scanned.event_params), TO_JSON_STRING(scanned.user_properties), TO_JSON_STRING(scanned.items), scanned.page_location, scanned.page_path, scanned.page_hostname, scanned.page_title, scanned.page_referrer, scanned.source, scanned.medium, scanned.campaign, scanned.device_category, scanned.operating_system, scanned.browser, scanned.language, scanned.country, scanned.region, scanned.city, scanned.continent, scanned.platform, scanned.stream_id, scanned.gclid, scanned.gbraid, scanned.wbraid, scanned.dclid, scanned.fbclid, scanned.msclkid, scanned.ttclid, scanned.li_fat_id, scanned.consent_ad_user_data, scanned.consent_ad_personalization], CHR(31), CHR(30)) AS row_text
    FROM `my-project.conversions_staging.stage_1_scanned` AS scanned
  ) AS told
),
present AS (
  -- the events that the stage holds of these days
  SELECT target.event_key, target.date, target.row_hash
  FROM `my-project.conversions.ga4_events` AS target
  WHERE target.date BETWEEN @start_date AND @end_date AND target.event_name IN UNNEST(@event_names)
)
SELECT
  COALESCE(fresh.event_key, present.event_key) AS event_key,
  COALESCE(fresh.date, present.date) AS date,
  fresh.property, fresh.event_name, fresh.occurred_at, fresh.client_id, fresh.user_id, fresh.session_id, fresh.session_number, fresh.order_id, fresh.value, fresh.revenue, fresh.refund_value, fresh.currency, fresh.coupon, fresh.event_params, fresh.user_properties, fresh.items, fresh.page_location, fresh.page_path, fresh.page_hostname, fresh.page_title, fresh.page_referrer, fresh.source, fresh.medium, fresh.campaign, fresh.device_category, fresh.operating_system, fresh.browser, fresh.language, fresh.country, fresh.region, fresh.city, fresh.continent, fresh.platform, fresh.stream_id, fresh.gclid, fresh.gbraid, fresh.wbraid, fresh.dclid, fresh.fbclid, fresh.msclkid, fresh.ttclid, fresh.li_fat_id, fresh.consent_ad_user_data, fresh.consent_ad_personalization,
  fresh.row_hash,
  present.date AS old_date,
  CASE WHEN present.event_key IS NULL THEN 'insert' WHEN fresh.event_key IS NULL THEN 'delete' ELSE 'update' END AS change
FROM fresh
FULL OUTER JOIN present ON present.event_key = fresh.event_key
WHERE fresh.event_key IS NULL OR present.event_key IS NULL OR fresh.row_hash <> present.row_hash;

-- step select
-- @end_date DATE = "2026-11-28"
-- @start_date DATE = "2026-11-25"
SELECT
  (SELECT COUNTIF(d.change = 'insert') FROM `my-project.conversions_staging.stage_1_difference` AS d) AS inserted,
  (SELECT COUNTIF(d.change = 'update') FROM `my-project.conversions_staging.stage_1_difference` AS d) AS updated,
  (SELECT COUNTIF(d.change = 'delete') FROM `my-project.conversions_staging.stage_1_difference` AS d) AS deleted,
  (SELECT COUNT(*) FROM `my-project.conversions.ga4_events` AS t WHERE t.date BETWEEN @start_date AND @end_date) AS before;

-- step merge_ga4_events
-- @end_date DATE = "2026-11-28"
-- @fence INT64 = 1
-- @lease STRING = "stage:ga4_events"
-- @start_date DATE = "2026-11-25"
MERGE INTO `my-project.conversions.ga4_events` AS target
USING (
  SELECT d.*
  FROM `my-project.conversions_staging.stage_1_difference` AS d
  -- a writer that lost its lease while it waited changes nothing
  WHERE (SELECT MAX(leases.fence) FROM `my-project.conversions.leases` AS leases WHERE leases.name = @lease) = @fence
) AS source
ON
  target.`event_key` = source.`event_key`
  AND target.date = source.old_date
  AND target.date BETWEEN @start_date AND @end_date
WHEN MATCHED AND source.change = 'delete' THEN DELETE
WHEN MATCHED THEN UPDATE SET `date` = source.`date`, `event_key` = source.`event_key`, `property` = source.`property`, `event_name` = source.`event_name`, `occurred_at` = source.`occurred_at`, `client_id` = source.`client_id`, `user_id` = source.`user_id`, `session_id` = source.`session_id`, `session_number` = source.`session_number`, `order_id` = source.`order_id`, `value` = source.`value`, `revenue` = source.`revenue`, `refund_value` = source.`refund_value`, `currency` = source.`currency`, `coupon` = source.`coupon`, `event_params` = source.`event_params`, `user_properties` = source.`user_properties`, `items` = source.`items`, `page_location` = source.`page_location`, `page_path` = source.`page_path`, `page_hostname` = source.`page_hostname`, `page_title` = source.`page_title`, `page_referrer` = source.`page_referrer`, `source` = source.`source`, `medium` = source.`medium`, `campaign` = source.`campaign`, `device_category` = source.`device_category`, `operating_system` = source.`operating_system`, `browser` = source.`browser`, `language` = source.`language`, `country` = source.`country`, `region` = source.`region`, `city` = source.`city`, `continent` = source.`continent`, `platform` = source.`platform`, `stream_id` = source.`stream_id`, `gclid` = source.`gclid`, `gbraid` = source.`gbraid`, `wbraid` = source.`wbraid`, `dclid` = source.`dclid`, `fbclid` = source.`fbclid`, `msclkid` = source.`msclkid`, `ttclid` = source.`ttclid`, `li_fat_id` = source.`li_fat_id`, `consent_ad_user_data` = source.`consent_ad_user_data`, `consent_ad_personalization` = source.`consent_ad_personalization`, `row_hash` = source.`row_hash`
WHEN NOT MATCHED AND source.change = 'insert' THEN INSERT (`date`, `event_key`, `property`, `event_name`, `occurred_at`, `client_id`, `user_id`, `session_id`, `session_number`, `order_id`, `value`, `revenue`, `refund_value`, `currency`, `coupon`, `event_params`, `user_properties`, `items`, `page_location`, `page_path`, `page_hostname`, `page_title`, `page_referrer`, `source`, `medium`, `campaign`, `device_category`, `operating_system`, `browser`, `language`, `country`, `region`, `city`, `continent`, `platform`, `stream_id`, `gclid`, `gbraid`, `wbraid`, `dclid`, `fbclid`, `msclkid`, `ttclid`, `li_fat_id`, `consent_ad_user_data`, `consent_ad_personalization`, `row_hash`) VALUES (source.`date`, source.`event_key`, source.`property`, source.`event_name`, source.`occurred_at`, source.`client_id`, source.`user_id`, source.`session_id`, source.`session_number`, source.`order_id`, source.`value`, source.`revenue`, source.`refund_value`, source.`currency`, source.`coupon`, source.`event_params`, source.`user_properties`, source.`items`, source.`page_location`, source.`page_path`, source.`page_hostname`, source.`page_title`, source.`page_referrer`, source.`source`, source.`medium`, source.`campaign`, source.`device_category`, source.`operating_system`, source.`browser`, source.`language`, source.`country`, source.`region`, source.`city`, source.`continent`, source.`platform`, source.`stream_id`, source.`gclid`, source.`gbraid`, source.`wbraid`, source.`dclid`, source.`fbclid`, source.`msclkid`, source.`ttclid`, source.`li_fat_id`, source.`consent_ad_user_data`, source.`consent_ad_personalization`, source.`row_hash`);

-- step identity
-- @end_date DATE = "2026-11-28"
CREATE OR REPLACE TABLE `my-project.conversions_staging.identity_382635c9325bf3273d19_20261128` AS
WITH
pairs AS (
  -- which client ids and user ids GA4 saw together in the 180 days before the window's end
  SELECT event.client_id, event.user_id, event.occurred_at, TRUE AS in_ga4
  FROM `my-project.conversions.ga4_events` AS event
  WHERE
    event.date BETWEEN DATE_SUB(@end_date, INTERVAL 180 DAY) AND @end_date
    AND event.client_id IS NOT NULL
    AND event.user_id IS NOT NULL
),
shared AS (
  -- a user id shared by more client ids than a person has devices is a test account or a constant
  SELECT pairs.user_id
  FROM pairs
  GROUP BY pairs.user_id
  HAVING COUNT(DISTINCT pairs.client_id) > 50
),
links AS (
  -- pairs that may join clients, without user ids that stand for many people
  SELECT pairs.client_id, pairs.user_id, pairs.occurred_at
  FROM pairs
  WHERE pairs.user_id NOT IN (SELECT shared.user_id FROM shared)
  -- A CRM may number people in a way of its own. Its user ids count where GA4 knows them, and fill the
  -- gap where GA4 knows nobody on the client; one of a single client joins nothing, and may be a number
  -- that guests get at each order.
  QUALIFY
    COUNTIF(pairs.in_ga4) OVER user_ids > 0
    OR (
      COUNTIF(pairs.in_ga4) OVER client_ids = 0
      AND MIN(pairs.client_id) OVER user_ids < MAX(pairs.client_id) OVER user_ids
    )
  WINDOW
    user_ids AS (PARTITION BY pairs.user_id),
    client_ids AS (PARTITION BY pairs.client_id)
),
spread AS (
  -- whether a client has one user or is shared by several: then it joins nobody
  SELECT
    links.client_id,
    links.user_id,
    links.occurred_at,
    MIN(links.user_id) OVER clients = MAX(links.user_id) OVER clients AS is_only
  FROM links
  WINDOW clients AS (PARTITION BY links.client_id)
)
SELECT 'shared' AS kind, CAST(NULL AS STRING) AS client_id, shared.user_id, CAST(NULL AS TIMESTAMP) AS since
FROM shared
UNION ALL
SELECT DISTINCT
  IF(spread.is_only, 'only', 'one_of') AS kind,
  spread.client_id,
  spread.user_id,
  IF(spread.is_only, NULL, spread.occurred_at) AS since
FROM spread;

-- step candidates
-- @end_date DATE = "2026-11-28"
-- @event_names ARRAY<STRING> = ["purchase"]
-- @start_date DATE = "2026-10-26"
-- @timezone STRING = "Europe/Berlin"
-- @v_39903922be50 STRING = "EUR"
-- @v_5969f3a995e6 INT64 = 30
-- @v_6989d769791f ARRAY<STRING> = ["AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", ... 147 more]
CREATE OR REPLACE TABLE `my-project.conversions_staging.purchase_1_candidates` AS
WITH RECURSIVE
counted AS (
  -- a row that breaks the contract counts for nobody, so it is out before duplicates are looked for
  SELECT c.* REPLACE (IF(c.removed IS NULL, CASE
      WHEN c.currency NOT IN UNNEST(@v_6989d769791f) THEN 'bad_currency'
      WHEN c.value_gross < 0 OR IS_NAN(c.value_gross) OR IS_INF(c.value_gross) THEN 'bad_value'
    END, c.removed) AS removed)
  FROM (
    SELECT
    event.event_key AS event_key,
    event.revenue AS paid,
    COALESCE(event.currency, @v_39903922be50) AS paid_currency,
    COALESCE(event.order_id, CONCAT('ga4-', event.event_key)) AS id,
  event.client_id AS client_id,
  event.occurred_at AS created,
  COALESCE(event.currency, @v_39903922be50) AS currency,
  TRUE AS is_qualified,
  CAST([] AS ARRAY<STRUCT<key STRING, value STRING>>) AS params,
  event.user_id AS user_id,
  CAST(NULL AS STRING) AS lead_id,
  CAST(NULL AS STRING) AS person_id,
  event.revenue AS value_gross,
  CAST(NULL AS FLOAT64) AS value_refunded,
  CAST(NULL AS STRING) AS refund_status,
  IF(event.revenue IS NULL, 'none', 'actual') AS value_kind,
  CAST(NULL AS STRING) AS component,
  event.gclid AS gclid,
  event.gbraid AS gbraid,
  event.wbraid AS wbraid,
  event.dclid AS dclid,
  CAST(NULL AS STRING) AS fbc,
  event.fbclid AS fbclid,
  CAST(NULL AS STRING) AS fbp,
  event.msclkid AS msclkid,
  event.ttclid AS ttclid,
  CAST(NULL AS STRING) AS ttp,
  event.li_fat_id AS li_fat_id,
  CAST(NULL AS TIMESTAMP) AS click_at,
  event.session_id AS session_id,
  event.source AS source,
  event.medium AS medium,
  event.campaign AS campaign,
  event.page_location AS page_location,
  CAST(NULL AS STRING) AS user_agent,
  CAST(NULL AS STRING) AS ip_address,
  event.country AS country,
  event.region AS region,
  event.city AS city,
  CAST(NULL AS STRING) AS postal_code,
  CAST(NULL AS STRING) AS email,
  CAST(NULL AS STRING) AS phone,
  CAST(NULL AS STRING) AS first_name,
  CAST(NULL AS STRING) AS last_name,
  event.order_id AS order_id,
  'web' AS event_source,
  event.consent_ad_user_data AS consent_ad_user_data,
  event.consent_ad_personalization AS consent_ad_personalization,
  event.revenue AS net_value,
  CAST(NULL AS STRING) AS removed
    FROM `my-project.conversions.ga4_events` AS event
    WHERE
      event.date BETWEEN @start_date AND @end_date
      AND event.event_name IN UNNEST(@event_names)
  ) AS c
),
past AS (
  -- what counted before the window silences what follows, even when it was returned or removed since
  SELECT earlier.*
  FROM (
  -- a row that breaks the contract counts for nobody, so it is out before duplicates are looked for
  SELECT c.* REPLACE (IF(c.removed IS NULL, CASE
      WHEN c.currency NOT IN UNNEST(@v_6989d769791f) THEN 'bad_currency'
      WHEN c.value_gross < 0 OR IS_NAN(c.value_gross) OR IS_INF(c.value_gross) THEN 'bad_value'
    END, c.removed) AS removed)
  FROM (
    SELECT
    event.event_key AS event_key,
    event.revenue AS paid,
    COALESCE(event.currency, @v_39903922be50) AS paid_currency,
    COALESCE(event.order_id, CONCAT('ga4-', event.event_key)) AS id,
  event.client_id AS client_id,
  event.occurred_at AS created,
  COALESCE(event.currency, @v_39903922be50) AS currency,
  TRUE AS is_qualified,
  CAST([] AS ARRAY<STRUCT<key STRING, value STRING>>) AS params,
  event.user_id AS user_id,
  CAST(NULL AS STRING) AS lead_id,
  CAST(NULL AS STRING) AS person_id,
  event.revenue AS value_gross,
  CAST(NULL AS FLOAT64) AS value_refunded,
  CAST(NULL AS STRING) AS refund_status,
  IF(event.revenue IS NULL, 'none', 'actual') AS value_kind,
  CAST(NULL AS STRING) AS component,
  event.gclid AS gclid,
  event.gbraid AS gbraid,
  event.wbraid AS wbraid,
  event.dclid AS dclid,
  CAST(NULL AS STRING) AS fbc,
  event.fbclid AS fbclid,
  CAST(NULL AS STRING) AS fbp,
  event.msclkid AS msclkid,
  event.ttclid AS ttclid,
  CAST(NULL AS STRING) AS ttp,
  event.li_fat_id AS li_fat_id,
  CAST(NULL AS TIMESTAMP) AS click_at,
  event.session_id AS session_id,
  event.source AS source,
  event.medium AS medium,
  event.campaign AS campaign,
  event.page_location AS page_location,
  CAST(NULL AS STRING) AS user_agent,
  CAST(NULL AS STRING) AS ip_address,
  event.country AS country,
  event.region AS region,
  event.city AS city,
  CAST(NULL AS STRING) AS postal_code,
  CAST(NULL AS STRING) AS email,
  CAST(NULL AS STRING) AS phone,
  CAST(NULL AS STRING) AS first_name,
  CAST(NULL AS STRING) AS last_name,
  event.order_id AS order_id,
  'web' AS event_source,
  event.consent_ad_user_data AS consent_ad_user_data,
  event.consent_ad_personalization AS consent_ad_personalization,
  event.revenue AS net_value,
  CAST(NULL AS STRING) AS removed
    FROM `my-project.conversions.ga4_events` AS event
    WHERE
      event.date BETWEEN DATE_SUB(@start_date, INTERVAL 731 DAY) AND DATE_SUB(@start_date, INTERVAL 1 DAY)
      AND event.event_name IN UNNEST(@event_names)
  ) AS c
  ) AS earlier
  WHERE earlier.removed IS NULL QUALIFY ROW_NUMBER() OVER (PARTITION BY earlier.id ORDER BY earlier.created, earlier.event_key) = 1
),
by_order AS (
  -- of each order the first candidate stays, unless the order counted before
  SELECT ranked.* EXCEPT (position, is_published) REPLACE (
    COALESCE(
      ranked.removed, IF(ranked.is_published OR ranked.position > 1, 'duplicate_order', NULL)
    ) AS removed
  )
  FROM (
    SELECT
      previous.*,
      published.id IS NOT NULL AS is_published,
      ROW_NUMBER() OVER (
        PARTITION BY previous.id, previous.removed IS NULL ORDER BY previous.created, previous.event_key
      ) AS position
    FROM counted AS previous
    LEFT JOIN (
      SELECT DISTINCT target.id
      FROM `my-project.conversions.conversion_purchase` AS target
      WHERE target.date < @start_date OR target.date > @end_date
      UNION DISTINCT
      SELECT past.id FROM past
    ) AS published ON published.id = previous.id
  ) AS ranked
),
edges AS (
  -- who is who: the edges of the identity graph
  SELECT edge.kind, edge.client_id, edge.user_id, edge.since FROM `my-project.conversions_staging.identity_382635c9325bf3273d19_20261128` AS edge
),
linked AS (
  -- clients of one user
  SELECT edges.client_id, edges.user_id
  FROM edges
  WHERE edges.kind = 'only'
),
recent AS (
  -- on a shared device, an event without user id belongs to the latest user before it
  SELECT previous.event_key, edges.user_id
  FROM by_order AS previous
  INNER JOIN edges ON edges.client_id = previous.client_id AND edges.since <= previous.created
  WHERE edges.kind = 'one_of'
  QUALIFY ROW_NUMBER() OVER (PARTITION BY previous.event_key ORDER BY edges.since DESC, edges.user_id) = 1
),
persons AS (
  -- the candidates with their person: by user id, by the client's only user, by the latest user, by client
  SELECT previous.* REPLACE (
    COALESCE(
      CONCAT('user:', IF(shared.user_id IS NULL, previous.user_id, NULL)),
      CONCAT('user:', linked.user_id),
      CONCAT('user:', recent.user_id),
      CONCAT('client:', previous.client_id)
    ) AS person_id
  )
  FROM by_order AS previous
  LEFT JOIN edges AS shared ON shared.kind = 'shared' AND shared.user_id = previous.user_id
  LEFT JOIN linked ON linked.client_id = previous.client_id
  LEFT JOIN recent AS recent ON recent.event_key = previous.event_key
),
earlier AS (
  -- published rows under the persons of today, so that a login learned later still counts
  SELECT
    COALESCE(
      IF(STARTS_WITH(target.person_id, 'user:'), target.person_id, NULL),
      CONCAT('user:', linked.user_id),
      CONCAT('client:', target.client_id)
    ) AS key,
    MAX(target.created) AS created
  FROM `my-project.conversions.conversion_purchase` AS target
  LEFT JOIN linked ON linked.client_id = target.client_id
  WHERE target.date < @start_date
  GROUP BY 1
),
first_of_person AS (
  -- of each person the first candidate ever stays
  SELECT ranked.* EXCEPT (position, is_published) REPLACE (
    COALESCE(
      ranked.removed,
      IF(
        ranked.person_id IS NOT NULL AND (ranked.is_published OR ranked.position > 1),
        'duplicate_user', NULL
      )
    ) AS removed
  )
  FROM (
    SELECT
      previous.*,
      earlier.key IS NOT NULL AS is_published,
      ROW_NUMBER() OVER (
        PARTITION BY previous.person_id, previous.removed IS NULL
        ORDER BY previous.created, previous.event_key
      ) AS position
    FROM persons AS previous
    LEFT JOIN earlier ON earlier.key = previous.person_id
  ) AS ranked
),
refunds AS (
  -- identical refund events are one refund; an amount of NULL means all of it; one may be dated before its purchase
  SELECT DISTINCT event.order_id, event.occurred_at, event.date, event.refund_value AS amount, event.currency
  FROM `my-project.conversions.ga4_events` AS event
  WHERE
    event.event_name = 'refund'
    AND event.order_id IN (SELECT counted.order_id FROM counted)
    AND event.date BETWEEN DATE_SUB(@start_date, INTERVAL 60 DAY) AND DATE_ADD(@end_date, INTERVAL @v_5969f3a995e6 DAY)
),
applied AS (
  -- a refund counts while its day is at most the window after the day of its purchase
  SELECT
    previous.event_key,
    LOGICAL_OR(refunds.amount IS NULL) AS is_whole,
    -- a refund in another currency is converted at the purchase date's rates
    SUM(refunds.amount * IF(
      COALESCE(refunds.currency, previous.paid_currency) = previous.paid_currency, 1, paid_in.rate / bought_in.rate
    )) AS amount
  FROM first_of_person AS previous
  INNER JOIN refunds ON refunds.order_id = previous.order_id
  LEFT JOIN (SELECT day, @v_39903922be50 AS currency, 1.0 AS rate, day AS rate_date
    FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
    UNION ALL
    SELECT dated.day, dated.currency, dated.rate, dated.rate_date
    FROM (
      SELECT day, listed.currency, listed.rate, listed.date AS rate_date
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN `my-project.crm.rates` AS listed
        ON listed.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      WHERE listed.currency <> @v_39903922be50
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day, listed.currency ORDER BY listed.date DESC) = 1
    ) AS dated) AS paid_in
    ON paid_in.currency = refunds.currency AND paid_in.day = DATE(previous.created, @timezone)
  LEFT JOIN (SELECT day, @v_39903922be50 AS currency, 1.0 AS rate, day AS rate_date
    FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
    UNION ALL
    SELECT dated.day, dated.currency, dated.rate, dated.rate_date
    FROM (
      SELECT day, listed.currency, listed.rate, listed.date AS rate_date
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN `my-project.crm.rates` AS listed
        ON listed.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      WHERE listed.currency <> @v_39903922be50
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day, listed.currency ORDER BY listed.date DESC) = 1
    ) AS dated) AS bought_in
    ON bought_in.currency = previous.paid_currency AND bought_in.day = DATE(previous.created, @timezone)
  WHERE refunds.date <= DATE_ADD(DATE(previous.created, @timezone), INTERVAL @v_5969f3a995e6 DAY)
  GROUP BY previous.event_key
),
refunded AS (
  -- the candidates, their value lowered by what was returned
  SELECT measured.* EXCEPT (is_refunded, is_full, returned) REPLACE (
    measured.returned AS value_refunded,
    measured.net_value - measured.returned AS net_value,
    CASE WHEN NOT measured.is_refunded THEN 'none' WHEN measured.is_full THEN 'full' ELSE 'partial' END AS refund_status,
    COALESCE(measured.removed, IF(measured.is_full, CAST(NULL AS STRING), NULL)) AS removed
  )
  FROM (
    SELECT
      previous.*,
      applied.event_key IS NOT NULL AS is_refunded,
      applied.is_whole OR applied.amount >= previous.paid AS is_full,
      CASE
        WHEN applied.event_key IS NULL THEN 0
        WHEN applied.is_whole OR applied.amount >= previous.paid THEN previous.value_gross
        -- a manual value shrinks by the share of the price that was returned
        ELSE COALESCE(applied.amount * SAFE_DIVIDE(previous.value_gross, previous.paid), 0)
      END AS returned
    FROM first_of_person AS previous
    LEFT JOIN applied ON applied.event_key = previous.event_key
  ) AS measured
)
SELECT last.* EXCEPT (event_key, paid, paid_currency) FROM refunded AS last;

-- step difference
-- @end_date DATE = "2026-11-28"
-- @factor FLOAT64 = null
-- @factor_as_of DATE = null
-- @fence INT64 = 1
-- @now_currency STRING = "EUR"
-- @run_id STRING = "paper"
-- @settled_date DATE = "2026-10-26"
-- @start_date DATE = "2026-10-26"
-- @timezone STRING = "Europe/Berlin"
-- @unit_value FLOAT64 = null
-- @v_39903922be50 STRING = "EUR"
-- @v_48d5e5c6d701 ARRAY<STRING> = ["bad_currency", "bad_value", "created_in_future", "invalid_created", "missing_created", "missing_id"]
-- @v_6989d769791f ARRAY<STRING> = ["AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", ... 147 more]
-- @version INT64 = 1
CREATE OR REPLACE TABLE `my-project.conversions_staging.purchase_1_difference` AS
WITH
judged AS (
  -- the candidates, and what speaks against each
  SELECT
    c.*,
    DATE(c.created, @timezone) AS date,
    IF(
      c.removed IS NULL,
      COALESCE(
        CASE
      WHEN c.id IS NULL OR TRIM(c.id) = '' THEN 'missing_id'
      WHEN c.created IS NULL THEN 'missing_created'
      WHEN c.created < TIMESTAMP '2000-01-01 00:00:00+00' THEN 'invalid_created'
      WHEN c.created > TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 24 HOUR) THEN 'created_in_future'
      ELSE CASE
      WHEN c.currency NOT IN UNNEST(@v_6989d769791f) THEN 'bad_currency'
      WHEN c.value_gross < 0 OR IS_NAN(c.value_gross) OR IS_INF(c.value_gross) THEN 'bad_value'
    END
    END,
        IF(DATE(c.created, @timezone) NOT BETWEEN @start_date AND @end_date, 'outside_window', NULL),
        -- only rows that may count compete: a broken one, or one of another day, pushes nobody out
        IF(
          ROW_NUMBER() OVER (
            PARTITION BY
              c.id,
              c.removed IS NULL AND CASE
      WHEN c.id IS NULL OR TRIM(c.id) = '' THEN 'missing_id'
      WHEN c.created IS NULL THEN 'missing_created'
      WHEN c.created < TIMESTAMP '2000-01-01 00:00:00+00' THEN 'invalid_created'
      WHEN c.created > TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 24 HOUR) THEN 'created_in_future'
      ELSE CASE
      WHEN c.currency NOT IN UNNEST(@v_6989d769791f) THEN 'bad_currency'
      WHEN c.value_gross < 0 OR IS_NAN(c.value_gross) OR IS_INF(c.value_gross) THEN 'bad_value'
    END
    END IS NULL AND DATE(c.created, @timezone) BETWEEN @start_date AND @end_date
            ORDER BY c.created DESC, c.client_id, c.value_gross, c.currency, c.user_id, c.lead_id, TO_JSON_STRING(c.params)
          ) > 1,
          'duplicate_id', NULL
        )
      ),
      -- kinds that remove duplicates have judged each row before
      IF(c.removed IN UNNEST(@v_48d5e5c6d701), c.removed, NULL)
    ) AS reason
  FROM `my-project.conversions_staging.purchase_1_candidates` AS c
),
kept AS (
  -- the candidates that count
  SELECT judged.*
  FROM judged
  WHERE
    judged.removed IS NULL
    AND judged.reason IS NULL
    -- an id is unique over the whole table, and what is already history wins
    AND judged.id NOT IN (
      SELECT history.id FROM `my-project.conversions.conversion_purchase` AS history WHERE history.date < @start_date OR history.date > @end_date
    )
    AND COALESCE(TO_HEX(SHA256(judged.client_id)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(TO_HEX(SHA256(judged.user_id)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
),
settled AS (
  -- the days before: their rows stay as they are, and may still learn of visits that GA4 told late
  SELECT history.*
  FROM `my-project.conversions.conversion_purchase` AS history
  WHERE history.date BETWEEN @settled_date AND DATE_SUB(@start_date, INTERVAL 1 DAY)
),
visitors AS (
  -- whose visits may lend something
  SELECT kept.id, kept.client_id, kept.created FROM kept
  UNION ALL
  SELECT settled.id, settled.client_id, settled.created FROM settled
),
visits AS (
  -- what the client's visits of the 90 days before say about clicks and pages: each the latest, and of
  -- two of one moment the same in every run
  SELECT
    visitors.id,
    MAX(IF(COALESCE(event.gclid, event.gbraid, event.wbraid, event.dclid, event.fbclid, event.msclkid, event.ttclid, event.li_fat_id) IS NULL, NULL, event.occurred_at)) AS click_at,
    SUBSTR(MAX(CONCAT(event.moment, event.gclid)), 17) AS gclid, SUBSTR(MAX(CONCAT(event.moment, event.gbraid)), 17) AS gbraid, SUBSTR(MAX(CONCAT(event.moment, event.wbraid)), 17) AS wbraid, SUBSTR(MAX(CONCAT(event.moment, event.dclid)), 17) AS dclid, SUBSTR(MAX(CONCAT(event.moment, event.fbclid)), 17) AS fbclid, SUBSTR(MAX(CONCAT(event.moment, event.msclkid)), 17) AS msclkid, SUBSTR(MAX(CONCAT(event.moment, event.ttclid)), 17) AS ttclid, SUBSTR(MAX(CONCAT(event.moment, event.li_fat_id)), 17) AS li_fat_id, SUBSTR(MAX(CONCAT(event.moment, event.session_id)), 17) AS session_id, SUBSTR(MAX(CONCAT(event.moment, event.page_location)), 17) AS page_location, SUBSTR(MAX(CONCAT(event.moment, event.source)), 17) AS source, SUBSTR(MAX(CONCAT(event.moment, event.medium)), 17) AS medium, SUBSTR(MAX(CONCAT(event.moment, event.campaign)), 17) AS campaign
  FROM visitors
  INNER JOIN (
    -- microseconds have had sixteen digits since 2001
    SELECT visit.*, CAST(UNIX_MICROS(visit.occurred_at) AS STRING) AS moment
    FROM `my-project.conversions.ga4_events` AS visit
    WHERE
      visit.date BETWEEN DATE_SUB(@settled_date, INTERVAL 91 DAY) AND @end_date
      AND visit.event_name = 'session_start'
  ) AS event ON event.client_id = visitors.client_id
  WHERE
    event.occurred_at <= visitors.created
    AND event.occurred_at > TIMESTAMP_SUB(visitors.created, INTERVAL 2160 HOUR)
  GROUP BY visitors.id
),
valued AS (
  -- the candidates with what visits lend, worth in their own currency and in the project's
  SELECT
    kept.* EXCEPT (removed, reason, net_value) REPLACE (
      COALESCE(kept.gclid, visits.gclid) AS gclid, COALESCE(kept.gbraid, visits.gbraid) AS gbraid, COALESCE(kept.wbraid, visits.wbraid) AS wbraid, COALESCE(kept.dclid, visits.dclid) AS dclid, COALESCE(kept.fbclid, visits.fbclid) AS fbclid, COALESCE(kept.msclkid, visits.msclkid) AS msclkid, COALESCE(kept.ttclid, visits.ttclid) AS ttclid, COALESCE(kept.li_fat_id, visits.li_fat_id) AS li_fat_id, COALESCE(kept.session_id, visits.session_id) AS session_id, COALESCE(kept.page_location, visits.page_location) AS page_location, COALESCE(kept.source, visits.source) AS source, COALESCE(kept.medium, visits.medium) AS medium, COALESCE(kept.campaign, visits.campaign) AS campaign, COALESCE(kept.click_at, visits.click_at) AS click_at,
      IF(@unit_value IS NULL, kept.currency, @now_currency) AS currency,
      IF(@unit_value IS NULL, kept.value_kind, 'normalized') AS value_kind
    ),
    COALESCE(@unit_value, kept.net_value * COALESCE(@factor, 1)) AS value,
    COALESCE(
      @unit_value,
      kept.net_value * COALESCE(@factor, 1) * COALESCE(rates.rate, IF(kept.currency = @now_currency, 1, NULL))
    ) AS value_project,
    COALESCE(rates.rate, IF(kept.currency = @now_currency OR @unit_value IS NOT NULL, 1, NULL)) AS exchange_rate,
    rates.rate_date AS exchange_date,
    @factor AS normalization_factor,
    @factor_as_of AS normalization_as_of
  FROM kept
  LEFT JOIN visits ON visits.id = kept.id
  LEFT JOIN (SELECT day, @v_39903922be50 AS currency, 1.0 AS rate, day AS rate_date
    FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
    UNION ALL
    SELECT dated.day, dated.currency, dated.rate, dated.rate_date
    FROM (
      SELECT day, listed.currency, listed.rate, listed.date AS rate_date
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN `my-project.crm.rates` AS listed
        ON listed.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      WHERE listed.currency <> @v_39903922be50
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day, listed.currency ORDER BY listed.date DESC) = 1
    ) AS dated) AS rates ON rates.day = kept.date AND rates.currency = kept.currency
),
told AS (
  -- what the window should hold
  SELECT valued.id, valued.client_id, valued.created, valued.date, valued.value, valued.currency, valued.is_qualified, valued.params, valued.user_id, valued.lead_id, valued.person_id, valued.value_gross, valued.value_refunded, valued.refund_status, valued.value_kind, valued.value_project, valued.exchange_rate, valued.exchange_date, valued.normalization_factor, valued.normalization_as_of, valued.component, valued.gclid, valued.gbraid, valued.wbraid, valued.dclid, valued.fbc, valued.fbclid, valued.fbp, valued.msclkid, valued.ttclid, valued.ttp, valued.li_fat_id, valued.click_at, valued.session_id, valued.source, valued.medium, valued.campaign, valued.page_location, valued.user_agent, valued.ip_address, valued.country, valued.region, valued.city, valued.postal_code, valued.email, valued.phone, valued.first_name, valued.last_name, valued.order_id, valued.event_source, valued.consent_ad_user_data, valued.consent_ad_personalization FROM valued
  UNION ALL
  SELECT settled.id, settled.client_id, settled.created, settled.date, settled.value, settled.currency, settled.is_qualified, settled.params, settled.user_id, settled.lead_id, settled.person_id, settled.value_gross, settled.value_refunded, settled.refund_status, settled.value_kind, settled.value_project, settled.exchange_rate, settled.exchange_date, settled.normalization_factor, settled.normalization_as_of, settled.component, settled.gclid, settled.gbraid, settled.wbraid, settled.dclid, settled.fbc, settled.fbclid, settled.fbp, settled.msclkid, settled.ttclid, settled.ttp, settled.li_fat_id, settled.click_at, settled.session_id, settled.source, settled.medium, settled.campaign, settled.page_location, settled.user_agent, settled.ip_address, settled.country, settled.region, settled.city, settled.postal_code, settled.email, settled.phone, settled.first_name, settled.last_name, settled.order_id, settled.event_source, settled.consent_ad_user_data, settled.consent_ad_personalization
  FROM (
    SELECT
      settled.* REPLACE (
        COALESCE(settled.gclid, visits.gclid) AS gclid, COALESCE(settled.gbraid, visits.gbraid) AS gbraid, COALESCE(settled.wbraid, visits.wbraid) AS wbraid, COALESCE(settled.dclid, visits.dclid) AS dclid, COALESCE(settled.fbclid, visits.fbclid) AS fbclid, COALESCE(settled.msclkid, visits.msclkid) AS msclkid, COALESCE(settled.ttclid, visits.ttclid) AS ttclid, COALESCE(settled.li_fat_id, visits.li_fat_id) AS li_fat_id, COALESCE(settled.session_id, visits.session_id) AS session_id, COALESCE(settled.page_location, visits.page_location) AS page_location, COALESCE(settled.source, visits.source) AS source, COALESCE(settled.medium, visits.medium) AS medium, COALESCE(settled.campaign, visits.campaign) AS campaign, COALESCE(settled.click_at, visits.click_at) AS click_at
      )
    FROM settled
    LEFT JOIN visits ON visits.id = settled.id
  ) AS settled
),
fresh AS (
  -- the same with a fingerprint of each row
  SELECT spelled.* EXCEPT (row_text), CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(spelled.row_text)), 1, 15)) AS INT64) AS row_hash
  FROM (SELECT told.*, ARRAY_TO_STRING([told.id, told.client_id, CAST(told.created AS STRING), CAST(told.date AS STRING), CAST(told.value AS STRING), told.currency, CAST(told.is_qualified AS STRING), TO_JSON_STRING(told.params), told.user_id, told.lead_id, told.person_id, CAST(told.value_gross AS STRING), CAST(told.value_refunded AS STRING), told.refund_status, told.value_kind, CAST(told.value_project AS STRING), CAST(told.exchange_rate AS STRING), CAST(told.exchange_date AS STRING), CAST(told.normalization_factor AS STRING), told.component, told.gclid, told.gbraid, told.wbraid, told.dclid, told.fbc, told.fbclid, told.fbp, told.msclkid, told.ttclid, told.ttp, told.li_fat_id, CAST(told.click_at AS STRING), told.session_id, told.source, told.medium, told.campaign, told.page_location, told.user_agent, told.ip_address, told.country, told.region, told.city, told.postal_code, told.email, told.phone, told.first_name, told.last_name, told.order_id, told.event_source, told.consent_ad_user_data, told.consent_ad_personalization], CHR(31), CHR(30)) AS row_text FROM told) AS spelled
),
present AS (
  -- what the window holds
  SELECT target.date, target.row_hash, target.first_seen_at, target.definition_version, target.id, target.client_id, target.user_id, target.lead_id, target.created, target.value, target.currency, target.is_qualified, target.value_gross, target.value_refunded, target.refund_status, target.value_kind, target.value_project, target.normalization_factor, target.component, target.order_id
  FROM `my-project.conversions.conversion_purchase` AS target
  WHERE target.date BETWEEN @settled_date AND @end_date
)
SELECT
  COALESCE(fresh.id, present.id) AS id,
  COALESCE(fresh.date, present.date) AS date,
  fresh.client_id, fresh.created, fresh.value, fresh.currency, fresh.is_qualified, fresh.params, fresh.user_id, fresh.lead_id, fresh.person_id, fresh.value_gross, fresh.value_refunded, fresh.refund_status, fresh.value_kind, fresh.value_project, fresh.exchange_rate, fresh.exchange_date, fresh.normalization_factor, fresh.normalization_as_of, fresh.component, fresh.gclid, fresh.gbraid, fresh.wbraid, fresh.dclid, fresh.fbc, fresh.fbclid, fresh.fbp, fresh.msclkid, fresh.ttclid, fresh.ttp, fresh.li_fat_id, fresh.click_at, fresh.session_id, fresh.source, fresh.medium, fresh.campaign, fresh.page_location, fresh.user_agent, fresh.ip_address, fresh.country, fresh.region, fresh.city, fresh.postal_code, fresh.email, fresh.phone, fresh.first_name, fresh.last_name, fresh.order_id, fresh.event_source, fresh.consent_ad_user_data, fresh.consent_ad_personalization,
  @version AS definition_version,
  @run_id AS run_id,
  @fence AS fence,
  fresh.row_hash,
  COALESCE(present.first_seen_at, CURRENT_TIMESTAMP()) AS first_seen_at,
  CURRENT_TIMESTAMP() AS updated_at,
  CASE WHEN present.id IS NULL THEN 'insert' WHEN fresh.id IS NULL THEN 'delete' ELSE 'update' END AS change,
  present.date AS old_date,
  present.value AS old_value,
  present.value_refunded AS old_refunded,
  present.normalization_factor AS old_factor,
  present.is_qualified AS old_qualified,
  present.definition_version AS old_version,
  -- only rows that changed are spelled out
  IF(present.id IS NULL, NULL, TO_JSON_STRING(STRUCT(present.id, present.client_id, present.user_id, present.lead_id, present.created, present.value, present.currency, present.is_qualified, present.value_gross, present.value_refunded, present.refund_status, present.value_kind, present.value_project, present.normalization_factor, present.component, present.order_id))) AS old_row,
  IF(fresh.id IS NULL, NULL, TO_JSON_STRING(STRUCT(fresh.id, fresh.client_id, fresh.user_id, fresh.lead_id, fresh.created, fresh.value, fresh.currency, fresh.is_qualified, fresh.value_gross, fresh.value_refunded, fresh.refund_status, fresh.value_kind, fresh.value_project, fresh.normalization_factor, fresh.component, fresh.order_id))) AS new_row
FROM fresh
FULL OUTER JOIN present ON present.id = fresh.id
WHERE fresh.id IS NULL OR present.id IS NULL OR fresh.row_hash <> present.row_hash;

-- step select
-- @end_date DATE = "2026-11-28"
-- @start_date DATE = "2026-10-26"
-- @timezone STRING = "Europe/Berlin"
-- @v_48d5e5c6d701 ARRAY<STRING> = ["bad_currency", "bad_value", "created_in_future", "invalid_created", "missing_created", "missing_id"]
-- @v_6989d769791f ARRAY<STRING> = ["AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", ... 147 more]
SELECT
  counted.*,
  ARRAY(
    SELECT AS STRUCT judged.removed, judged.reason, COUNT(*) AS rows_
    FROM (
      SELECT
        c.removed,
        IF(
      c.removed IS NULL,
      COALESCE(
        CASE
      WHEN c.id IS NULL OR TRIM(c.id) = '' THEN 'missing_id'
      WHEN c.created IS NULL THEN 'missing_created'
      WHEN c.created < TIMESTAMP '2000-01-01 00:00:00+00' THEN 'invalid_created'
      WHEN c.created > TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 24 HOUR) THEN 'created_in_future'
      ELSE CASE
      WHEN c.currency NOT IN UNNEST(@v_6989d769791f) THEN 'bad_currency'
      WHEN c.value_gross < 0 OR IS_NAN(c.value_gross) OR IS_INF(c.value_gross) THEN 'bad_value'
    END
    END,
        IF(DATE(c.created, @timezone) NOT BETWEEN @start_date AND @end_date, 'outside_window', NULL),
        -- only rows that may count compete: a broken one, or one of another day, pushes nobody out
        IF(
          ROW_NUMBER() OVER (
            PARTITION BY
              c.id,
              c.removed IS NULL AND CASE
      WHEN c.id IS NULL OR TRIM(c.id) = '' THEN 'missing_id'
      WHEN c.created IS NULL THEN 'missing_created'
      WHEN c.created < TIMESTAMP '2000-01-01 00:00:00+00' THEN 'invalid_created'
      WHEN c.created > TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 24 HOUR) THEN 'created_in_future'
      ELSE CASE
      WHEN c.currency NOT IN UNNEST(@v_6989d769791f) THEN 'bad_currency'
      WHEN c.value_gross < 0 OR IS_NAN(c.value_gross) OR IS_INF(c.value_gross) THEN 'bad_value'
    END
    END IS NULL AND DATE(c.created, @timezone) BETWEEN @start_date AND @end_date
            ORDER BY c.created DESC, c.client_id, c.value_gross, c.currency, c.user_id, c.lead_id, TO_JSON_STRING(c.params)
          ) > 1,
          'duplicate_id', NULL
        )
      ),
      -- kinds that remove duplicates have judged each row before
      IF(c.removed IN UNNEST(@v_48d5e5c6d701), c.removed, NULL)
    ) AS reason
      FROM `my-project.conversions_staging.purchase_1_candidates` AS c
    ) AS judged
    GROUP BY judged.removed, judged.reason
  ) AS judged,
  (
    SELECT SUM(t.value_project) FROM `my-project.conversions.conversion_purchase` AS t WHERE t.date BETWEEN @start_date AND @end_date
  ) AS value_before,
  moved.moved_rows,
  moved.moved_value
FROM (
SELECT
  (SELECT COUNTIF(d.change = 'insert') FROM `my-project.conversions_staging.purchase_1_difference` AS d) AS inserted,
  (SELECT COUNTIF(d.change = 'update') FROM `my-project.conversions_staging.purchase_1_difference` AS d) AS updated,
  (SELECT COUNTIF(d.change = 'delete') FROM `my-project.conversions_staging.purchase_1_difference` AS d) AS deleted,
  (SELECT COUNT(*) FROM `my-project.conversions.conversion_purchase` AS t WHERE t.date BETWEEN @start_date AND @end_date) AS before
) AS counted
CROSS JOIN (
  -- rows whose value moves though neither a refund nor a factor did; new rows move nothing
  SELECT COUNT(*) AS moved_rows, SUM(d.new_value_project - d.old_value_project) AS moved_value
  FROM (
    SELECT
      changed.id,
      changed.change,
      CAST(JSON_VALUE(changed.old_row, '$.value_project') AS FLOAT64) AS old_value_project,
      IF(changed.change = 'delete', 0, COALESCE(changed.value_project, 0)) AS new_value_project,
      COALESCE(changed.value_refunded, 0) <> COALESCE(changed.old_refunded, 0) AS is_refunded,
      COALESCE(changed.normalization_factor, 1) <> COALESCE(changed.old_factor, 1) AS is_rescaled
    FROM `my-project.conversions_staging.purchase_1_difference` AS changed
    WHERE changed.date BETWEEN @start_date AND @end_date
  ) AS d
  WHERE
    d.change <> 'insert'
    AND d.old_value_project <> d.new_value_project
    AND (d.change = 'delete' OR NOT (d.is_refunded OR d.is_rescaled))
    AND d.id NOT IN (SELECT c.id FROM `my-project.conversions_staging.purchase_1_candidates` AS c WHERE c.removed = 'fully_refunded' AND c.id IS NOT NULL)
) AS moved;

-- step merge_conversion_purchase
-- @end_date DATE = "2026-11-28"
-- @fence INT64 = 1
-- @lease STRING = "purchase"
-- @start_date DATE = "2026-10-26"
MERGE INTO `my-project.conversions.conversion_purchase` AS target
USING (
  SELECT d.*
  FROM `my-project.conversions_staging.purchase_1_difference` AS d
  -- a writer that lost its lease while it waited changes nothing
  WHERE (SELECT MAX(leases.fence) FROM `my-project.conversions.leases` AS leases WHERE leases.name = @lease) = @fence
) AS source
ON
  target.`id` = source.`id`
  AND target.date = source.old_date
  AND target.date BETWEEN @start_date AND @end_date
WHEN MATCHED AND source.change = 'delete' THEN DELETE
WHEN MATCHED THEN UPDATE SET `id` = source.`id`, `client_id` = source.`client_id`, `created` = source.`created`, `date` = source.`date`, `value` = source.`value`, `currency` = source.`currency`, `is_qualified` = source.`is_qualified`, `params` = source.`params`, `user_id` = source.`user_id`, `lead_id` = source.`lead_id`, `person_id` = source.`person_id`, `value_gross` = source.`value_gross`, `value_refunded` = source.`value_refunded`, `refund_status` = source.`refund_status`, `value_kind` = source.`value_kind`, `value_project` = source.`value_project`, `exchange_rate` = source.`exchange_rate`, `exchange_date` = source.`exchange_date`, `normalization_factor` = source.`normalization_factor`, `normalization_as_of` = source.`normalization_as_of`, `component` = source.`component`, `gclid` = source.`gclid`, `gbraid` = source.`gbraid`, `wbraid` = source.`wbraid`, `dclid` = source.`dclid`, `fbc` = source.`fbc`, `fbclid` = source.`fbclid`, `fbp` = source.`fbp`, `msclkid` = source.`msclkid`, `ttclid` = source.`ttclid`, `ttp` = source.`ttp`, `li_fat_id` = source.`li_fat_id`, `click_at` = source.`click_at`, `session_id` = source.`session_id`, `source` = source.`source`, `medium` = source.`medium`, `campaign` = source.`campaign`, `page_location` = source.`page_location`, `user_agent` = source.`user_agent`, `ip_address` = source.`ip_address`, `country` = source.`country`, `region` = source.`region`, `city` = source.`city`, `postal_code` = source.`postal_code`, `email` = source.`email`, `phone` = source.`phone`, `first_name` = source.`first_name`, `last_name` = source.`last_name`, `order_id` = source.`order_id`, `event_source` = source.`event_source`, `consent_ad_user_data` = source.`consent_ad_user_data`, `consent_ad_personalization` = source.`consent_ad_personalization`, `definition_version` = source.`definition_version`, `run_id` = source.`run_id`, `fence` = source.`fence`, `row_hash` = source.`row_hash`, `first_seen_at` = source.`first_seen_at`, `updated_at` = source.`updated_at`
WHEN NOT MATCHED AND source.change = 'insert' THEN INSERT (`id`, `client_id`, `created`, `date`, `value`, `currency`, `is_qualified`, `params`, `user_id`, `lead_id`, `person_id`, `value_gross`, `value_refunded`, `refund_status`, `value_kind`, `value_project`, `exchange_rate`, `exchange_date`, `normalization_factor`, `normalization_as_of`, `component`, `gclid`, `gbraid`, `wbraid`, `dclid`, `fbc`, `fbclid`, `fbp`, `msclkid`, `ttclid`, `ttp`, `li_fat_id`, `click_at`, `session_id`, `source`, `medium`, `campaign`, `page_location`, `user_agent`, `ip_address`, `country`, `region`, `city`, `postal_code`, `email`, `phone`, `first_name`, `last_name`, `order_id`, `event_source`, `consent_ad_user_data`, `consent_ad_personalization`, `definition_version`, `run_id`, `fence`, `row_hash`, `first_seen_at`, `updated_at`) VALUES (source.`id`, source.`client_id`, source.`created`, source.`date`, source.`value`, source.`currency`, source.`is_qualified`, source.`params`, source.`user_id`, source.`lead_id`, source.`person_id`, source.`value_gross`, source.`value_refunded`, source.`refund_status`, source.`value_kind`, source.`value_project`, source.`exchange_rate`, source.`exchange_date`, source.`normalization_factor`, source.`normalization_as_of`, source.`component`, source.`gclid`, source.`gbraid`, source.`wbraid`, source.`dclid`, source.`fbc`, source.`fbclid`, source.`fbp`, source.`msclkid`, source.`ttclid`, source.`ttp`, source.`li_fat_id`, source.`click_at`, source.`session_id`, source.`source`, source.`medium`, source.`campaign`, source.`page_location`, source.`user_agent`, source.`ip_address`, source.`country`, source.`region`, source.`city`, source.`postal_code`, source.`email`, source.`phone`, source.`first_name`, source.`last_name`, source.`order_id`, source.`event_source`, source.`consent_ad_user_data`, source.`consent_ad_personalization`, source.`definition_version`, source.`run_id`, source.`fence`, source.`row_hash`, source.`first_seen_at`, source.`updated_at`);

-- step with
-- @end_date DATE = "2026-11-28"
-- @lease STRING = "purchase"
-- @recent_end DATE = "2026-11-28"
-- @recent_start DATE = "2026-10-30"
-- @start_date DATE = "2026-10-26"
WITH
day AS (
  -- conversions and value of each recent day, for the list of conversions
  SELECT target.date, COUNT(*) AS conversions, SUM(target.value_project) AS value
  FROM `my-project.conversions.conversion_purchase` AS target
  WHERE target.date BETWEEN @recent_start AND @recent_end
  GROUP BY target.date
)
SELECT
  ARRAY(SELECT AS STRUCT day.date, day.conversions, day.value FROM day ORDER BY day.date) AS recent,
  (SELECT MAX(leases.fence) FROM `my-project.conversions.leases` AS leases WHERE leases.name = @lease) AS fence,
  SUM(IF(target.date >= @start_date, target.value_project, NULL)) AS total,
  COUNTIF(target.date >= @start_date AND target.value IS NOT NULL AND target.value_project IS NULL) AS without_rate,
  ARRAY_AGG(
    DISTINCT IF(target.date >= @start_date AND target.value IS NOT NULL AND target.value_project IS NULL, target.currency, NULL)
    IGNORE NULLS
  ) AS currencies,
  COUNTIF(target.date = @end_date) AS seen,
  -- the same weekday of the four weeks before
  COUNTIF(
    target.date IN (
      DATE_SUB(@end_date, INTERVAL 7 DAY),
      DATE_SUB(@end_date, INTERVAL 14 DAY),
      DATE_SUB(@end_date, INTERVAL 21 DAY),
      DATE_SUB(@end_date, INTERVAL 28 DAY)
    )
  ) / 4 AS usual
FROM `my-project.conversions.conversion_purchase` AS target
WHERE target.date BETWEEN LEAST(@start_date, DATE_SUB(@end_date, INTERVAL 28 DAY)) AND @end_date;

-- step insert_conversion_changes
-- @definition_id STRING = "purchase"
-- @end_date DATE = "2026-11-28"
-- @fence INT64 = 1
-- @first_date DATE = "2026-10-26"
-- @is_edited BOOL = true
-- @is_first BOOL = false
-- @last_date DATE = "2026-11-28"
-- @now TIMESTAMP = "2026-11-29 00:00:00+00:00"
-- @run_id STRING = "paper"
-- @start_date DATE = "2026-10-26"
-- @trigger STRING = "schedule"
-- @usual_cause STRING = "late_data"
-- @version INT64 = 1
INSERT INTO `my-project.conversions.conversion_changes` (
  date, definition_id, id, changed_at, run_id, fence, change, cause, old_value, new_value, old_qualified,
  new_qualified, definition_version, old_row, new_row
)
SELECT
  d.date,
  @definition_id,
  d.id,
  @now,
  @run_id,
  @fence,
  d.change,
  CASE
    WHEN d.date < @start_date THEN 'late_data'
    WHEN d.old_version <> @version OR (@is_first AND @is_edited) THEN 'definition_change'
    WHEN d.change = 'update' AND COALESCE(d.value_refunded, 0) <> COALESCE(d.old_refunded, 0) THEN 'refund'
    WHEN @usual_cause = 'rescored' OR @trigger = 'scores' THEN IF(d.change = 'insert', 'new', 'rescored')
    WHEN d.change = 'update' AND COALESCE(d.normalization_factor, 1) <> COALESCE(d.old_factor, 1) THEN 'normalization'
    WHEN d.change = 'insert' AND d.date >= @end_date AND @trigger <> 'backfill' THEN 'new'
    WHEN d.change = 'insert' AND (@is_first OR @trigger = 'backfill') THEN 'backfill'
    ELSE @usual_cause
  END,
  d.old_value,
  d.value,
  d.old_qualified,
  d.is_qualified,
  @version,
  d.old_row,
  d.new_row
FROM `my-project.conversions_staging.purchase_1_difference` AS d
WHERE NOT EXISTS (
  SELECT 1 FROM `my-project.conversions.conversion_changes` AS known
  WHERE
    known.definition_id = @definition_id
    AND known.fence = @fence
    AND known.date BETWEEN @first_date AND @last_date
);
