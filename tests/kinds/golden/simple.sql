-- step stage_scanned
-- @end_date DATE = "2026-11-28"
-- @event_names ARRAY<STRING> = ["login", "purchase", "refund", "sign_up"]
-- @first_suffix STRING = "20261124"
-- @last_suffix STRING = "20261129"
-- @start_date DATE = "2026-11-25"
-- @timezone STRING = "Europe/Berlin"
-- @v_632982f95429 STRING = "my-project.analytics_1"
-- @v_6989d769791f ARRAY<STRING> = ["AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", ... 147 more]
-- @v_ea131d42ee55 ARRAY<STRING> = ["", "(not set)", "(none)", "undefined", "null", "nan", "none", "0"]
CREATE OR REPLACE TABLE `my-project.conversions_staging.stage_1_scanned` CLUSTER BY `is_wanted` AS
-- Each session speaks on its rows that tell where it began, in each daily table that tells of it for itself, as one
-- of them may go; a row that says nothing else is left out.
SELECT marked.*
FROM (
  SELECT
    exported.*,
    -- what the events of the session say together, on its first ones: of all, with an address, with a source
    IF(
      exported.session_id IS NOT NULL AND exported.moment IN (
        MIN(exported.moment) OVER visit,
        MIN(IF(exported.page_location IS NULL, NULL, exported.moment)) OVER visit,
        -- the first row that has the best record of GA4's own
        SUBSTR(MIN(CONCAT(CASE exported.session_step WHEN 'cross_channel' THEN '0' WHEN 'google_ads' THEN '1' WHEN 'sa360' THEN '2' WHEN 'cm360' THEN '3' WHEN 'dv360' THEN '4' WHEN 'manual' THEN '5' END, exported.moment)) OVER visit, 2),
        MIN(IF(exported.own_source IS NULL, NULL, exported.moment)) OVER visit,
        MIN(IF(exported.own_source IS NULL OR exported.says_little, NULL, exported.moment)) OVER visit
      ),
      STRUCT(
        MIN(exported.client_id) OVER visit AS client_id,
        MIN(exported.occurred_at) OVER visit AS started_at,
        MAX(exported.occurred_at) OVER visit AS ended_at,
        COUNTIF(exported.session_step IS NOT NULL OR exported.own_source IS NOT NULL) OVER visit AS sources,
        COUNTIF(exported.event_name IN ('page_view', 'screen_view')) OVER visit AS pages,
        COUNT(DISTINCT IF(exported.event_name IN ('page_view', 'screen_view'), exported.page_path, NULL)) OVER visit AS depth
      ),
      NULL
    ) AS begun
  FROM (
SELECT exported.*
FROM (
-- One row an event. Ids that stand for nobody are NULL, amounts are finite, parameters have one shape.
WITH
exports AS (
  -- the events of the daily tables, of all properties
  SELECT
    event.property,
    event.is_preliminary,
    event.event_name,
    event.shard,
    event.occurred_at,
    event.date,
    event.astray,
    event.client,
    event.user_of_row,
    event.collected_gclid,
    event.collected_dclid,
    event.collected_srsltid,
    event.collected_source,
    event.collected_medium,
    event.collected_campaign,
    event.cross_channel_source,
    event.cross_channel_medium,
    event.cross_channel_campaign,
    event.google_ads_campaign_id,
    event.google_ads_customer_id,
    event.google_ads_campaign,
    event.sa360_source,
    event.sa360_medium,
    event.sa360_campaign,
    event.cm360_source,
    event.cm360_medium,
    event.cm360_campaign,
    event.dv360_source,
    event.dv360_medium,
    event.dv360_campaign,
    event.manual_source,
    event.manual_medium,
    event.manual_campaign,
    event.cross_channel_group,
    IF(event.is_staged, event.ecommerce_order, NULL) AS ecommerce_order,
    IF(event.is_staged, event.ecommerce_currency, NULL) AS ecommerce_currency,
    IF(event.is_staged, event.bundle, NULL) AS bundle,
    IF(event.is_staged, event.device_category, NULL) AS device_category,
    IF(event.is_staged, event.operating_system, NULL) AS operating_system,
    IF(event.is_staged, event.browser, NULL) AS browser,
    IF(event.is_staged, event.language, NULL) AS language,
    IF(event.is_staged, event.hostname, NULL) AS hostname,
    IF(event.is_staged, event.country, NULL) AS country,
    IF(event.is_staged, event.region, NULL) AS region,
    IF(event.is_staged, event.city, NULL) AS city,
    IF(event.is_staged, event.continent, NULL) AS continent,
    IF(event.is_staged, event.platform, NULL) AS platform,
    IF(event.is_staged, event.stream_id, NULL) AS stream_id,
    IF(event.is_staged, event.ads_storage, NULL) AS ads_storage,
    IF(event.is_staged, event.purchase_revenue, NULL) AS purchase_revenue,
    IF(event.is_staged, event.purchase_in_usd, NULL) AS purchase_in_usd,
    IF(event.is_staged, event.refund_stated, NULL) AS refund_stated,
    IF(event.is_staged, event.refunded_in_usd, NULL) AS refunded_in_usd,
    IF(event.is_staged, event.event_in_usd, NULL) AS event_in_usd,
    COALESCE(event.batch_page_id, (SELECT COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) FROM UNNEST(event.event_params) AS parameter WHERE SAFE_CAST(parameter.key AS STRING) = 'batch_page_id' LIMIT 1)) AS batch_page_id,
    COALESCE(event.batch_ordering_id, (SELECT COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) FROM UNNEST(event.event_params) AS parameter WHERE SAFE_CAST(parameter.key AS STRING) = 'batch_ordering_id' LIMIT 1)) AS batch_ordering_id,
    COALESCE(event.batch_event_index, (SELECT COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) FROM UNNEST(event.event_params) AS parameter WHERE SAFE_CAST(parameter.key AS STRING) = 'batch_event_index' LIMIT 1)) AS batch_event_index,
    (SELECT COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) FROM UNNEST(event.event_params) AS parameter WHERE SAFE_CAST(parameter.key AS STRING) = 'source' LIMIT 1) AS param_source,
    (SELECT COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) FROM UNNEST(event.event_params) AS parameter WHERE SAFE_CAST(parameter.key AS STRING) = 'medium' LIMIT 1) AS param_medium,
    (SELECT COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) FROM UNNEST(event.event_params) AS parameter WHERE SAFE_CAST(parameter.key AS STRING) = 'campaign' LIMIT 1) AS param_campaign,
    (SELECT COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) FROM UNNEST(event.event_params) AS parameter WHERE SAFE_CAST(parameter.key AS STRING) = 'user_id' LIMIT 1) AS param_user,
    (SELECT COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) FROM UNNEST(event.event_params) AS parameter WHERE SAFE_CAST(parameter.key AS STRING) = 'ga_session_id' LIMIT 1) AS ga_session_id,
    (SELECT COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) FROM UNNEST(event.event_params) AS parameter WHERE SAFE_CAST(parameter.key AS STRING) = 'page_location' LIMIT 1) AS page_location,
    (SELECT COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) FROM UNNEST(event.event_params) AS parameter WHERE SAFE_CAST(parameter.key AS STRING) = 'page_referrer' LIMIT 1) AS page_referrer,
    ARRAY(SELECT CONCAT(LOWER(SAFE_CAST(parameter.key AS STRING)), '=', SAFE_CAST(parameter.value.string_value AS STRING)) FROM UNNEST(event.event_params) AS parameter WHERE LOWER(SAFE_CAST(parameter.key AS STRING)) IN ('gclid', 'gbraid', 'wbraid', 'dclid', 'fbclid', 'msclkid', 'ttclid', 'li_fat_id', 'gclsrc', 'srsltid', 'twclid', 'epik', 'sccid', 'rdt_cid') AND LENGTH(SAFE_CAST(parameter.value.string_value AS STRING)) < 100) AS param_clicks,
    event.astray IS NULL AND event.is_staged AND event.date BETWEEN @start_date AND @end_date AS is_wanted,
    IF(event.is_staged, CONCAT(COALESCE(event.batch_page_id, ''), '/', COALESCE(event.batch_ordering_id, ''), '/', COALESCE(event.batch_event_index, '')), NULL) AS key_before,
    IF(event.is_staged, ARRAY(SELECT AS STRUCT SAFE_CAST(parameter.key AS STRING) AS key, COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) AS text, COALESCE(SAFE_CAST(parameter.value.int_value AS FLOAT64), SAFE_CAST(parameter.value.double_value AS FLOAT64), SAFE_CAST(parameter.value.float_value AS FLOAT64), SAFE_CAST(parameter.value.string_value AS FLOAT64)) AS number FROM UNNEST(event.event_params) AS parameter), []) AS event_params,
    IF(event.is_staged, ARRAY(SELECT AS STRUCT SAFE_CAST(parameter.key AS STRING) AS key, COALESCE(SAFE_CAST(parameter.value.string_value AS STRING), SAFE_CAST(parameter.value.int_value AS STRING), SAFE_CAST(parameter.value.double_value AS STRING), SAFE_CAST(parameter.value.float_value AS STRING)) AS text, COALESCE(SAFE_CAST(parameter.value.int_value AS FLOAT64), SAFE_CAST(parameter.value.double_value AS FLOAT64), SAFE_CAST(parameter.value.float_value AS FLOAT64), SAFE_CAST(parameter.value.string_value AS FLOAT64)) AS number FROM UNNEST(event.user_properties) AS parameter), []) AS user_properties,
    event.items
  FROM (
    SELECT
      @v_632982f95429 AS property,
      FALSE AS is_preliminary,
      event.event_name,
      SAFE_CAST(event.event_date AS STRING) AS shard,
      -- a moment that no date has would fail the statement
      IF(COALESCE(event.event_timestamp NOT BETWEEN UNIX_MICROS(TIMESTAMP(SAFE.PARSE_DATE('%Y%m%d', CONCAT('2026112', event._TABLE_SUFFIX)))) - 309600000000 AND UNIX_MICROS(TIMESTAMP(SAFE.PARSE_DATE('%Y%m%d', CONCAT('2026112', event._TABLE_SUFFIX)))) + 216000000000, TRUE), NULL, TIMESTAMP_MICROS(event.event_timestamp)) AS occurred_at,
      IF(COALESCE(event.event_timestamp NOT BETWEEN UNIX_MICROS(TIMESTAMP(SAFE.PARSE_DATE('%Y%m%d', CONCAT('2026112', event._TABLE_SUFFIX)))) - 309600000000 AND UNIX_MICROS(TIMESTAMP(SAFE.PARSE_DATE('%Y%m%d', CONCAT('2026112', event._TABLE_SUFFIX)))) + 216000000000, TRUE), NULL, DATE(TIMESTAMP_MICROS(event.event_timestamp), @timezone)) AS date,
      -- of an event whose time cannot be what is left of it to tell somebody
      IF(
        COALESCE(event.event_timestamp NOT BETWEEN UNIX_MICROS(TIMESTAMP(SAFE.PARSE_DATE('%Y%m%d', CONCAT('2026112', event._TABLE_SUFFIX)))) - 309600000000 AND UNIX_MICROS(TIMESTAMP(SAFE.PARSE_DATE('%Y%m%d', CONCAT('2026112', event._TABLE_SUFFIX)))) + 216000000000, TRUE),
        STRUCT(
          @v_632982f95429 AS property, CONCAT('2026112', event._TABLE_SUFFIX) AS day, event.event_name AS event_name,
          event.event_timestamp AS micros, (event.event_name IN UNNEST(@event_names) OR (event.event_name = 'session_start' AND SAFE_CAST(event.user_id AS STRING) IS NOT NULL)) AS is_staged
        ),
        NULL
      ) AS astray,
      SAFE_CAST(event.user_pseudo_id AS STRING) AS client,
      SAFE_CAST(event.user_id AS STRING) AS user_of_row,
      SAFE_CAST(event.collected_traffic_source.gclid AS STRING) AS collected_gclid,
      SAFE_CAST(event.collected_traffic_source.dclid AS STRING) AS collected_dclid,
      SAFE_CAST(event.collected_traffic_source.srsltid AS STRING) AS collected_srsltid,
      SAFE_CAST(event.collected_traffic_source.manual_source AS STRING) AS collected_source,
      SAFE_CAST(event.collected_traffic_source.manual_medium AS STRING) AS collected_medium,
      SAFE_CAST(event.collected_traffic_source.manual_campaign_name AS STRING) AS collected_campaign,
      SAFE_CAST(event.session_traffic_source_last_click.cross_channel_campaign.source AS STRING) AS cross_channel_source,
      SAFE_CAST(event.session_traffic_source_last_click.cross_channel_campaign.medium AS STRING) AS cross_channel_medium,
      SAFE_CAST(event.session_traffic_source_last_click.cross_channel_campaign.campaign_name AS STRING) AS cross_channel_campaign,
      SAFE_CAST(event.session_traffic_source_last_click.google_ads_campaign.campaign_id AS STRING) AS google_ads_campaign_id,
      SAFE_CAST(event.session_traffic_source_last_click.google_ads_campaign.customer_id AS STRING) AS google_ads_customer_id,
      SAFE_CAST(event.session_traffic_source_last_click.google_ads_campaign.campaign_name AS STRING) AS google_ads_campaign,
      SAFE_CAST(event.session_traffic_source_last_click.sa360_campaign.source AS STRING) AS sa360_source,
      SAFE_CAST(event.session_traffic_source_last_click.sa360_campaign.medium AS STRING) AS sa360_medium,
      SAFE_CAST(event.session_traffic_source_last_click.sa360_campaign.campaign_name AS STRING) AS sa360_campaign,
      SAFE_CAST(event.session_traffic_source_last_click.cm360_campaign.source AS STRING) AS cm360_source,
      SAFE_CAST(event.session_traffic_source_last_click.cm360_campaign.medium AS STRING) AS cm360_medium,
      SAFE_CAST(event.session_traffic_source_last_click.cm360_campaign.campaign_name AS STRING) AS cm360_campaign,
      SAFE_CAST(event.session_traffic_source_last_click.dv360_campaign.source AS STRING) AS dv360_source,
      SAFE_CAST(event.session_traffic_source_last_click.dv360_campaign.medium AS STRING) AS dv360_medium,
      SAFE_CAST(event.session_traffic_source_last_click.dv360_campaign.campaign_name AS STRING) AS dv360_campaign,
      SAFE_CAST(event.session_traffic_source_last_click.manual_campaign.source AS STRING) AS manual_source,
      SAFE_CAST(event.session_traffic_source_last_click.manual_campaign.medium AS STRING) AS manual_medium,
      SAFE_CAST(event.session_traffic_source_last_click.manual_campaign.campaign_name AS STRING) AS manual_campaign,
      SAFE_CAST(event.session_traffic_source_last_click.cross_channel_campaign.default_channel_group AS STRING) AS cross_channel_group,
      SAFE_CAST(event.batch_page_id AS STRING) AS batch_page_id,
      SAFE_CAST(event.batch_ordering_id AS STRING) AS batch_ordering_id,
      SAFE_CAST(event.batch_event_index AS STRING) AS batch_event_index,
      SAFE_CAST(event.ecommerce.transaction_id AS STRING) AS ecommerce_order,
      CAST(NULL AS STRING) AS ecommerce_currency,
      SAFE_CAST(event.event_bundle_sequence_id AS STRING) AS bundle,
      SAFE_CAST(event.device.category AS STRING) AS device_category,
      SAFE_CAST(event.device.operating_system AS STRING) AS operating_system,
      COALESCE(SAFE_CAST(event.device.web_info.browser AS STRING), SAFE_CAST(event.device.browser AS STRING)) AS browser,
      SAFE_CAST(event.device.language AS STRING) AS language,
      SAFE_CAST(event.device.web_info.hostname AS STRING) AS hostname,
      SAFE_CAST(event.geo.country AS STRING) AS country,
      SAFE_CAST(event.geo.region AS STRING) AS region,
      SAFE_CAST(event.geo.city AS STRING) AS city,
      SAFE_CAST(event.geo.continent AS STRING) AS continent,
      SAFE_CAST(event.platform AS STRING) AS platform,
      SAFE_CAST(event.stream_id AS STRING) AS stream_id,
      SAFE_CAST(event.privacy_info.ads_storage AS STRING) AS ads_storage,
      SAFE_CAST(event.ecommerce.purchase_revenue AS FLOAT64) AS purchase_revenue,
      SAFE_CAST(event.ecommerce.purchase_revenue_in_usd AS FLOAT64) AS purchase_in_usd,
      SAFE_CAST(event.ecommerce.refund_value AS FLOAT64) AS refund_stated,
      SAFE_CAST(event.ecommerce.refund_value_in_usd AS FLOAT64) AS refunded_in_usd,
      SAFE_CAST(event.event_value_in_usd AS FLOAT64) AS event_in_usd,
      event.event_params,
      event.user_properties,
      (event.event_name IN UNNEST(@event_names) OR (event.event_name = 'session_start' AND SAFE_CAST(event.user_id AS STRING) IS NOT NULL)) AS is_staged,
      IF((event.event_name IN UNNEST(@event_names) OR (event.event_name = 'session_start' AND SAFE_CAST(event.user_id AS STRING) IS NOT NULL)), ARRAY(SELECT AS STRUCT SAFE_CAST(item.item_id AS STRING) AS item_id, SAFE_CAST(item.item_name AS STRING) AS item_name, SAFE_CAST(item.item_brand AS STRING) AS item_brand, SAFE_CAST(item.item_variant AS STRING) AS item_variant, SAFE_CAST(item.item_category AS STRING) AS item_category, SAFE_CAST(item.item_category2 AS STRING) AS item_category2, SAFE_CAST(item.item_category3 AS STRING) AS item_category3, SAFE_CAST(item.item_category4 AS STRING) AS item_category4, SAFE_CAST(item.item_category5 AS STRING) AS item_category5, SAFE_CAST(item.coupon AS STRING) AS coupon, SAFE_CAST(item.affiliation AS STRING) AS affiliation, SAFE_CAST(item.price AS FLOAT64) AS price, SAFE_CAST(item.quantity AS FLOAT64) AS quantity, SAFE_CAST(item.item_revenue AS FLOAT64) AS item_revenue, SAFE_CAST(item.item_refund AS FLOAT64) AS item_refund FROM UNNEST(event.items) AS item), []) AS items
    FROM `my-project.analytics_1.events_2026112*` AS event
    WHERE
      event._TABLE_SUFFIX BETWEEN SUBSTR(@first_suffix, 8) AND SUBSTR(@last_suffix, 8)
      AND REGEXP_CONTAINS(event._TABLE_SUFFIX, r'^\d{1}$')
      AND IF(
        COALESCE(event.event_timestamp NOT BETWEEN UNIX_MICROS(TIMESTAMP(SAFE.PARSE_DATE('%Y%m%d', CONCAT('2026112', event._TABLE_SUFFIX)))) - 309600000000 AND UNIX_MICROS(TIMESTAMP(SAFE.PARSE_DATE('%Y%m%d', CONCAT('2026112', event._TABLE_SUFFIX)))) + 216000000000, TRUE), TRUE,
        DATE(TIMESTAMP_MICROS(event.event_timestamp), @timezone)
          BETWEEN DATE_SUB(@start_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL 1 DAY)
      )
      AND event.event_name IS NOT NULL
      -- audience events are GA4's own, not anybody's
      AND COALESCE((SELECT COALESCE(SAFE_CAST(parameter.value.int_value AS FLOAT64), SAFE_CAST(parameter.value.double_value AS FLOAT64), SAFE_CAST(parameter.value.float_value AS FLOAT64), SAFE_CAST(parameter.value.string_value AS FLOAT64)) FROM UNNEST(event.event_params) AS parameter WHERE SAFE_CAST(parameter.key AS STRING) = 'synthetic_bundle' LIMIT 1), 0) <> 1
  ) AS event
),
exported AS (
  -- with what single parameters say
  SELECT
    exports.*,
    (SELECT parameter.number FROM UNNEST(exports.event_params) AS parameter WHERE parameter.key = 'ga_session_number' LIMIT 1) AS ga_session_number,
    (SELECT parameter.text FROM UNNEST(exports.event_params) AS parameter WHERE parameter.key = 'page_title' LIMIT 1) AS page_title,
    (SELECT parameter.text FROM UNNEST(exports.event_params) AS parameter WHERE parameter.key = 'value' LIMIT 1) AS value_text,
    (SELECT parameter.number FROM UNNEST(exports.event_params) AS parameter WHERE parameter.key = 'value' LIMIT 1) AS value_number,
    (SELECT parameter.text FROM UNNEST(exports.event_params) AS parameter WHERE parameter.key = 'transaction_id' LIMIT 1) AS transaction_id,
    (SELECT parameter.text FROM UNNEST(exports.event_params) AS parameter WHERE parameter.key = 'currency' LIMIT 1) AS currency,
    (SELECT parameter.text FROM UNNEST(exports.event_params) AS parameter WHERE parameter.key = 'coupon' LIMIT 1) AS coupon
  FROM exports
),
meant AS (
  -- what each field says, without the texts that say nothing
  SELECT
    exported.* REPLACE (IF(REGEXP_CONTAINS(exported.device_category, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.device_category)) AS device_category,
      IF(REGEXP_CONTAINS(exported.operating_system, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.operating_system)) AS operating_system,
      IF(REGEXP_CONTAINS(exported.browser, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.browser)) AS browser,
      IF(REGEXP_CONTAINS(exported.language, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.language)) AS language,
      IF(REGEXP_CONTAINS(exported.country, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.country)) AS country,
      IF(REGEXP_CONTAINS(exported.region, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.region)) AS region,
      IF(REGEXP_CONTAINS(exported.city, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.city)) AS city,
      IF(REGEXP_CONTAINS(exported.continent, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.continent)) AS continent,
      IF(REGEXP_CONTAINS(exported.coupon, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.coupon)) AS coupon,
      IF(REGEXP_CONTAINS(exported.hostname, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.hostname)) AS hostname,
      IF(REGEXP_CONTAINS(exported.page_title, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.page_title)) AS page_title,
      IF(IS_NAN(exported.value_number) OR IS_INF(exported.value_number), NULL, exported.value_number) AS value_number,
      IF(IS_NAN(exported.purchase_revenue) OR IS_INF(exported.purchase_revenue), NULL, exported.purchase_revenue) AS purchase_revenue,
      IF(IS_NAN(exported.refund_stated) OR IS_INF(exported.refund_stated), NULL, exported.refund_stated) AS refund_stated,
      IF(IS_NAN(exported.purchase_in_usd) OR IS_INF(exported.purchase_in_usd), NULL, exported.purchase_in_usd) AS purchase_in_usd,
      IF(IS_NAN(exported.refunded_in_usd) OR IS_INF(exported.refunded_in_usd), NULL, exported.refunded_in_usd) AS refunded_in_usd,
      IF(IS_NAN(exported.event_in_usd) OR IS_INF(exported.event_in_usd), NULL, exported.event_in_usd) AS event_in_usd),
    -- what happened at no time is nobody's visit and nobody's click
    IF(exported.astray IS NULL, IF(REGEXP_CONTAINS(exported.client, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.client)), NULL) AS client_id,
    COALESCE(IF(REGEXP_CONTAINS(exported.user_of_row, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.user_of_row)), IF(REGEXP_CONTAINS(exported.param_user, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.param_user))) AS user_id,
    COALESCE(IF(REGEXP_CONTAINS(exported.ecommerce_order, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.ecommerce_order)), IF(REGEXP_CONTAINS(exported.transaction_id, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.transaction_id))) AS order_id,
    UPPER(COALESCE(IF(REGEXP_CONTAINS(exported.currency, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.currency)), IF(REGEXP_CONTAINS(exported.ecommerce_currency, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.ecommerce_currency)))) AS currency_code,
    IF(REGEXP_CONTAINS(exported.ga_session_id, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(exported.ga_session_id)) AS session,
    IF(LOWER(TRIM(exported.ecommerce_order)) IN UNNEST(@v_ea131d42ee55), NULL, TRIM(exported.ecommerce_order)) AS order_before,
    -- inside one microsecond the order of requests and events decides
    CONCAT(
      CAST(UNIX_MICROS(exported.occurred_at) AS STRING),
      LPAD(COALESCE(exported.batch_ordering_id, ''), 6, '0'),
      LPAD(COALESCE(exported.batch_event_index, ''), 6, '0')
    ) AS moment,
    -- an amount was stated, and it is no number
    IS_NAN(exported.purchase_revenue) OR IS_INF(exported.purchase_revenue)
      OR IS_NAN(exported.refund_stated) OR IS_INF(exported.refund_stated) AS has_no_number
  FROM exported
),
valued AS (
  -- units of money, and which record of the session speaks
  SELECT
    meant.*,
    COALESCE(meant.purchase_revenue, meant.value_number) AS amount,
    -- no document states the unit of what stores sell; absurdly many a dollar are millionths, and nothing is nothing in any
    CASE
      WHEN meant.event_name NOT IN ('in_app_purchase', 'app_store_refund', 'app_store_subscription_convert', 'app_store_subscription_renew') OR COALESCE(meant.value_number, 0) = 0 THEN 1
      WHEN COALESCE(meant.event_in_usd, 0) = 0 THEN NULL
      WHEN ABS(meant.value_number / meant.event_in_usd) > 200000 THEN 1000000
      ELSE 1
    END AS unit,
    CASE WHEN IF(REGEXP_CONTAINS(meant.cross_channel_source, r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(meant.cross_channel_source)) IS NOT NULL THEN 'cross_channel' WHEN COALESCE(IF(REGEXP_CONTAINS(meant.google_ads_campaign_id, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(meant.google_ads_campaign_id)), IF(REGEXP_CONTAINS(meant.google_ads_customer_id, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(meant.google_ads_customer_id))) IS NOT NULL THEN 'google_ads' WHEN IF(REGEXP_CONTAINS(meant.sa360_source, r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(meant.sa360_source)) IS NOT NULL THEN 'sa360' WHEN IF(REGEXP_CONTAINS(meant.cm360_source, r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(meant.cm360_source)) IS NOT NULL THEN 'cm360' WHEN IF(REGEXP_CONTAINS(meant.dv360_source, r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(meant.dv360_source)) IS NOT NULL THEN 'dv360' WHEN IF(REGEXP_CONTAINS(meant.manual_source, r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(meant.manual_source)) IS NOT NULL THEN 'manual' END AS session_step,
    -- one record as a whole: that of the page, else that of the event
    COALESCE(IF(REGEXP_CONTAINS(meant.collected_source, r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(meant.collected_source)), IF(REGEXP_CONTAINS(meant.collected_medium, r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(meant.collected_medium)), IF(REGEXP_CONTAINS(meant.collected_campaign, r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(meant.collected_campaign))) IS NOT NULL AS is_collected,
    -- ids of ads as texts kind=value, the most trusted place first
    ARRAY_CONCAT(
      ARRAY(
        SELECT pair
        FROM UNNEST([
          CONCAT('gclid=', meant.collected_gclid),
          CONCAT('dclid=', meant.collected_dclid),
          CONCAT('srsltid=', meant.collected_srsltid)
        ]) AS pair
        WHERE pair IS NOT NULL
      ),
      IF(REGEXP_CONTAINS(meant.page_location, r'(?i)[?&#;](?:gclid|gbraid|wbraid|dclid|fbclid|msclkid|ttclid|li_fat_id|gclsrc|srsltid|twclid|epik|sccid|rdt_cid)='), REGEXP_EXTRACT_ALL(IF(LENGTH(meant.page_location) >= 1000, REGEXP_REPLACE(meant.page_location, r'[?&#;][^?&#;]*$', ''), meant.page_location), r'(?i)[?&#;]((?:gclid|gbraid|wbraid|dclid|fbclid|msclkid|ttclid|li_fat_id|gclsrc|srsltid|twclid|epik|sccid|rdt_cid)=[^&#;?]+)'), []),
      meant.param_clicks,
      IF(REGEXP_CONTAINS(meant.page_referrer, r'(?i)[?&#;](?:gclid|gbraid|wbraid|dclid|fbclid|msclkid|ttclid|li_fat_id|gclsrc|srsltid|twclid|epik|sccid|rdt_cid)=') AND LOWER(REGEXP_EXTRACT(meant.page_referrer, r'(?i)^[^:]+://(?:www\.)?([^/?#:]+)')) = LOWER(REGEXP_EXTRACT(meant.page_location, r'(?i)^[^:]+://(?:www\.)?([^/?#:]+)')), REGEXP_EXTRACT_ALL(IF(LENGTH(meant.page_referrer) >= 420, REGEXP_REPLACE(meant.page_referrer, r'[?&#;][^?&#;]*$', ''), meant.page_referrer), r'(?i)[?&#;]((?:gclid|gbraid|wbraid|dclid|fbclid|msclkid|ttclid|li_fat_id|gclsrc|srsltid|twclid|epik|sccid|rdt_cid)=[^&#;?]+)'), [])
    ) AS click_pairs
  FROM meant
),
keyed AS (
  -- the key of each row, and the record of the event alone
  SELECT
    valued.*,
    CASE valued.session_step WHEN 'cross_channel' THEN valued.cross_channel_source WHEN 'google_ads' THEN 'google' WHEN 'sa360' THEN valued.sa360_source WHEN 'cm360' THEN valued.cm360_source WHEN 'dv360' THEN valued.dv360_source WHEN 'manual' THEN valued.manual_source END AS said_source,
    CASE valued.session_step WHEN 'cross_channel' THEN valued.cross_channel_medium WHEN 'google_ads' THEN 'cpc' WHEN 'sa360' THEN valued.sa360_medium WHEN 'cm360' THEN valued.cm360_medium WHEN 'dv360' THEN valued.dv360_medium WHEN 'manual' THEN valued.manual_medium END AS said_medium,
    CASE valued.session_step WHEN 'cross_channel' THEN valued.cross_channel_campaign WHEN 'google_ads' THEN valued.google_ads_campaign WHEN 'sa360' THEN valued.sa360_campaign WHEN 'cm360' THEN valued.cm360_campaign WHEN 'dv360' THEN valued.dv360_campaign WHEN 'manual' THEN valued.manual_campaign END AS said_campaign,
    IF(REGEXP_CONTAINS(IF(valued.is_collected, valued.collected_source, valued.param_source), r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(IF(valued.is_collected, valued.collected_source, valued.param_source))) AS raw_source,
    IF(REGEXP_CONTAINS(IF(valued.is_collected, valued.collected_medium, valued.param_medium), r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(IF(valued.is_collected, valued.collected_medium, valued.param_medium))) AS raw_medium,
    IF(REGEXP_CONTAINS(IF(valued.is_collected, valued.collected_campaign, valued.param_campaign), r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(IF(valued.is_collected, valued.collected_campaign, valued.param_campaign))) AS raw_campaign,
    EXISTS(SELECT 1 FROM UNNEST(valued.click_pairs) AS pair WHERE REGEXP_CONTAINS(pair, r'(?i)^(?:gclid|gbraid|wbraid)=') AND NOT REGEXP_CONTAINS(SUBSTR(pair, STRPOS(pair, '=') + 1), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$')) AS has_google_click,
    EXISTS(SELECT 1 FROM UNNEST(valued.click_pairs) AS pair WHERE REGEXP_CONTAINS(pair, r'(?i)^srsltid=') AND NOT REGEXP_CONTAINS(SUBSTR(pair, STRPOS(pair, '=') + 1), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'))
      AND NOT EXISTS(SELECT 1 FROM UNNEST(valued.click_pairs) AS pair WHERE NOT REGEXP_CONTAINS(pair, r'(?i)^srsltid=') AND NOT REGEXP_CONTAINS(SUBSTR(pair, STRPOS(pair, '=') + 1), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$')) AS has_listing_click,
    IF(valued.is_wanted, TO_HEX(SHA256(TO_JSON_STRING(STRUCT(
      valued.property AS property, valued.stream_id AS stream, valued.platform AS platform, valued.client AS client,
      valued.event_name AS name, CAST(UNIX_MICROS(valued.occurred_at) AS STRING) AS micros,
      valued.batch_page_id AS page, valued.batch_ordering_id AS request, valued.batch_event_index AS place,
      valued.order_id AS order_id,
      -- without a place in a request only the contents tell events apart
      IF(valued.batch_event_index IS NULL, valued.user_of_row, NULL) AS user,
      IF(valued.batch_event_index IS NULL, valued.bundle, NULL) AS bundle,
      IF(valued.batch_event_index IS NULL, CAST(valued.amount AS STRING), NULL) AS amount,
      IF(valued.batch_event_index IS NULL, ARRAY(SELECT CONCAT(COALESCE(CAST(part.item_id AS STRING), ''), '|', COALESCE(CAST(part.price AS STRING), ''), '|', COALESCE(CAST(part.quantity AS STRING), '')) FROM UNNEST(valued.items) AS part ORDER BY 1), []) AS items,
      IF(valued.batch_event_index IS NULL, ARRAY(SELECT CONCAT(COALESCE(CAST(part.key AS STRING), ''), '|', COALESCE(CAST(part.text AS STRING), '')) FROM UNNEST(valued.event_params) AS part ORDER BY 1), []) AS parameters
    )))), NULL) AS event_key,
    IF(valued.is_wanted, TO_HEX(SHA256(CONCAT(
      valued.property, '|', COALESCE(valued.client, ''), '|', valued.event_name, '|',
      CAST(UNIX_MICROS(valued.occurred_at) AS STRING), '|', valued.key_before
    ))), NULL) AS event_key_before
  FROM valued
)
SELECT
  keyed.is_wanted,
  keyed.moment,
  keyed.date,
  keyed.astray,
  keyed.event_key,
  keyed.event_key_before,
  COALESCE(keyed.order_before, CONCAT('ga4-', keyed.event_key_before)) AS purchase_id_before,
  COALESCE(CONCAT(keyed.order_id, ''), CONCAT('ga4-', keyed.event_key)) AS purchase_id,
  keyed.property,
  keyed.is_preliminary,
  keyed.shard,
  keyed.event_name,
  keyed.occurred_at,
  keyed.client_id,
  keyed.user_id,
  CONCAT(keyed.client_id, '.', keyed.session) AS session_id,
  SAFE_CAST(keyed.ga_session_number AS INT64) AS session_number,
  keyed.order_id,
  keyed.value_number / keyed.unit AS value,
  keyed.amount / keyed.unit AS revenue,
  CASE
    -- copies may lack the dollars of the record; those of the event are of the same amount
    WHEN keyed.event_name = 'refund' THEN COALESCE(NULLIF(keyed.refunded_in_usd, 0), keyed.event_in_usd)
    WHEN keyed.purchase_revenue IS NOT NULL THEN COALESCE(NULLIF(keyed.purchase_in_usd, 0), keyed.event_in_usd)
    -- of an amount that stands in the parameter alone the dollars of the event say more
    ELSE COALESCE(NULLIF(keyed.event_in_usd, 0), keyed.purchase_in_usd)
  END AS value_in_usd,
  -- a refund's amount, however its sign was written; zero states none
  IF(
    keyed.event_name = 'refund',
    COALESCE(NULLIF(ABS(keyed.refund_stated), 0), NULLIF(ABS(keyed.value_number), 0)),
    NULL
  ) AS refund_value,
  IF(keyed.event_name = 'refund', COALESCE(keyed.refund_stated, keyed.value_number) = 0, NULL) AS refund_is_zero,
  IF(keyed.currency_code IN UNNEST(@v_6989d769791f), keyed.currency_code, NULL) AS currency,
  CASE
    WHEN keyed.unit IS NULL THEN 'unknown_unit'
    WHEN keyed.amount < 0 AND keyed.event_name <> 'refund' THEN 'negative_value'
    WHEN keyed.amount IS NULL AND (keyed.has_no_number OR TRIM(keyed.value_text) <> '') THEN 'unreadable_value'
    WHEN keyed.currency_code NOT IN UNNEST(@v_6989d769791f) THEN 'unreadable_currency'
  END AS value_problem,
  keyed.coupon,
  keyed.event_params,
  keyed.user_properties,
  IF(
    keyed.event_name = 'in_app_purchase' AND ARRAY_LENGTH(keyed.items) = 0
    AND EXISTS (SELECT 1 FROM UNNEST(keyed.event_params) AS parameter WHERE parameter.key IN ('product_id', 'product_name')),
    [STRUCT((SELECT parameter.text FROM UNNEST(keyed.event_params) AS parameter WHERE parameter.key = 'product_id' LIMIT 1) AS item_id, (SELECT parameter.text FROM UNNEST(keyed.event_params) AS parameter WHERE parameter.key = 'product_name' LIMIT 1) AS item_name, CAST(NULL AS STRING) AS item_brand, CAST(NULL AS STRING) AS item_variant, CAST(NULL AS STRING) AS item_category, CAST(NULL AS STRING) AS item_category2, CAST(NULL AS STRING) AS item_category3, CAST(NULL AS STRING) AS item_category4, CAST(NULL AS STRING) AS item_category5, CAST(NULL AS STRING) AS coupon, CAST(NULL AS STRING) AS affiliation, (SELECT parameter.number FROM UNNEST(keyed.event_params) AS parameter WHERE parameter.key = 'price' LIMIT 1) / keyed.unit AS price, (SELECT parameter.number FROM UNNEST(keyed.event_params) AS parameter WHERE parameter.key = 'quantity' LIMIT 1) AS quantity, CAST(NULL AS FLOAT64) AS item_revenue, CAST(NULL AS FLOAT64) AS item_refund)], keyed.items
  ) AS items,
  keyed.page_location,
  -- a visit counts the pages that were seen, the stage tells the page of its events
  IF(
    keyed.is_wanted OR keyed.event_name IN ('page_view', 'screen_view'),
    REGEXP_EXTRACT(keyed.page_location, r'^[^:]+://[^/?#]+([^?#]*)'), NULL
  ) AS page_path,
  IF(
    keyed.is_wanted, COALESCE(REGEXP_EXTRACT(keyed.page_location, r'^[^:]+://([^/?#]+)'), keyed.hostname), NULL
  ) AS page_hostname,
  keyed.page_title,
  keyed.page_referrer,
  keyed.session_step,
  IF(REGEXP_CONTAINS(keyed.said_source, r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(keyed.said_source)) AS session_source,
  IF(REGEXP_CONTAINS(keyed.said_medium, r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(keyed.said_medium)) AS session_medium,
  IF(REGEXP_CONTAINS(keyed.said_campaign, r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(keyed.said_campaign)) AS session_campaign,
  IF(keyed.session_step = 'cross_channel', IF(REGEXP_CONTAINS(keyed.cross_channel_group, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(keyed.cross_channel_group)), NULL) AS session_channel,
  -- the campaign of this event alone; a paid click on it says more than the referrer that came with it
  CASE
    WHEN keyed.has_google_click AND COALESCE(LOWER(keyed.raw_medium), '(none)') IN ('organic', 'referral', '(none)', '(not set)') THEN 'google'
    WHEN keyed.has_listing_click AND CONCAT(LOWER(COALESCE(keyed.raw_source, '(direct)')), ' ', REPLACE(LOWER(COALESCE(keyed.raw_medium, '(none)')), '(not set)', '(none)')) IN ('(direct) (none)', '(not set) (none)', 'google organic') AND LOWER(COALESCE(keyed.raw_campaign, '(direct)')) IN ('(direct)', '(organic)', '(not set)') THEN 'google'
    WHEN LOWER(keyed.raw_source) = '(direct)' THEN NULL
    -- a campaign that names no source has one that is not set
    WHEN
      COALESCE(LOWER(keyed.raw_medium), '(none)') NOT IN ('(none)', '(not set)')
      OR COALESCE(LOWER(keyed.raw_campaign), '(direct)') NOT IN ('(direct)', '(not set)')
      THEN COALESCE(keyed.raw_source, '(not set)')
    ELSE keyed.raw_source
  END AS own_source,
  CASE
    WHEN keyed.has_google_click AND COALESCE(LOWER(keyed.raw_medium), '(none)') IN ('organic', 'referral', '(none)', '(not set)') THEN 'cpc'
    WHEN keyed.has_listing_click AND CONCAT(LOWER(COALESCE(keyed.raw_source, '(direct)')), ' ', REPLACE(LOWER(COALESCE(keyed.raw_medium, '(none)')), '(not set)', '(none)')) IN ('(direct) (none)', '(not set) (none)', 'google organic') AND LOWER(COALESCE(keyed.raw_campaign, '(direct)')) IN ('(direct)', '(organic)', '(not set)') THEN 'organic'
    ELSE keyed.raw_medium
  END AS own_medium,
  CASE
    WHEN keyed.has_google_click AND COALESCE(LOWER(keyed.raw_medium), '(none)') IN ('organic', 'referral', '(none)', '(not set)') THEN '(not set)'
    WHEN keyed.has_listing_click AND CONCAT(LOWER(COALESCE(keyed.raw_source, '(direct)')), ' ', REPLACE(LOWER(COALESCE(keyed.raw_medium, '(none)')), '(not set)', '(none)')) IN ('(direct) (none)', '(not set) (none)', 'google organic') AND LOWER(COALESCE(keyed.raw_campaign, '(direct)')) IN ('(direct)', '(organic)', '(not set)') THEN 'Shopping Free Listings'
    ELSE keyed.raw_campaign
  END AS own_campaign,
  -- session_start and first_visit say of a page less than its page_view, and a click alone says little
  keyed.event_name IN ('session_start', 'first_visit')
    OR (
      (keyed.has_google_click OR keyed.has_listing_click)
      AND COALESCE(keyed.raw_source, keyed.raw_medium, keyed.raw_campaign) IS NULL
    ) AS says_little,
  keyed.device_category,
  keyed.operating_system,
  keyed.browser,
  keyed.language,
  keyed.country,
  keyed.region,
  keyed.city,
  keyed.continent,
  keyed.platform,
  keyed.stream_id,
  keyed.click_pairs,
  -- a refusal is passed on; a GA4 "Yes" is no consent to hand user data to a platform
  IF(LOWER(TRIM(keyed.ads_storage)) = 'no', 'denied', NULL) AS consent_ad_user_data,
  IF(LOWER(TRIM(keyed.ads_storage)) = 'no', 'denied', NULL) AS consent_ad_personalization
FROM keyed
) AS exported
CROSS JOIN (SELECT ARRAY_AGG(erased.subject_hash) AS hashes FROM `my-project.conversions.erasures` AS erased) AS forgotten
WHERE
  COALESCE(TO_HEX(SHA256(exported.`client_id`)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(TO_HEX(SHA256(exported.`user_id`)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
  AND (
    NOT EXISTS (
      SELECT 1
      -- while nobody was erased no text is looked at
      FROM UNNEST(IF(
        forgotten.hashes IS NULL,
        ARRAY<STRING>[],
        ARRAY_CONCAT(
          ARRAY_CONCAT(
            [exported.page_location, exported.page_referrer, exported.page_title],
            ARRAY(SELECT parameter.text FROM UNNEST(exported.event_params) AS parameter),
            ARRAY(SELECT parameter.text FROM UNNEST(exported.user_properties) AS parameter)
          ),
          REGEXP_EXTRACT_ALL(REGEXP_REPLACE(ARRAY_TO_STRING(ARRAY_CONCAT(
            [exported.page_location, exported.page_referrer, exported.page_title],
            ARRAY(SELECT parameter.text FROM UNNEST(exported.event_params) AS parameter),
            ARRAY(SELECT parameter.text FROM UNNEST(exported.user_properties) AS parameter)
          ), CHR(10)), r'%40', '@'), r'[^\s?&=#/;,<>()"]{6,}')
        )
      )) AS word
      WHERE
        LENGTH(word) >= 6
        AND (
          TO_HEX(SHA256(word)) IN UNNEST(forgotten.hashes)
          -- another writing is NULL, which costs nothing, where it is the same
          OR TO_HEX(SHA256(NULLIF(LOWER(TRIM(word)), word))) IN UNNEST(forgotten.hashes)
          OR LOWER(TRIM(word)) IN UNNEST(forgotten.hashes)
          OR TO_HEX(SHA256(NULLIF(IF(
      -- few words have so many digits, and to take the others out of a word costs more than the rest
      REGEXP_CONTAINS(word, r'(?:[0-9][^0-9]*){7,}'),
      REGEXP_EXTRACT(
        REGEXP_REPLACE(word, r'%[0-9A-Fa-f]{2}|[^0-9]', ''), r'^(?:00)?([0-9]{7,})$'
      ),
      NULL
    ), word))) IN UNNEST(forgotten.hashes)
        )
    )
  )
  ) AS exported
  -- events without a session are each by themselves, not one heap of a whole export
  WINDOW visit AS (PARTITION BY exported.property, COALESCE(exported.session_id, exported.moment), exported.shard)
) AS marked
WHERE
  marked.is_wanted = TRUE
  OR marked.begun IS NOT NULL
  OR ARRAY_LENGTH(marked.click_pairs) > 0
  OR marked.astray IS NOT NULL;

-- step select
-- @end_date DATE = "2026-11-28"
-- @start_date DATE = "2026-10-25"
SELECT DISTINCT day
FROM (
  -- orders of the run's days that were seen on more days than one
  SELECT ARRAY_AGG(DISTINCT memory.date) AS days
  FROM `my-project.conversions.order_memory` AS memory
  WHERE memory.order_id IN (
    SELECT event.order_id
    FROM `my-project.conversions.ga4_events` AS event
    WHERE event.event_name = 'purchase' AND event.date BETWEEN @start_date AND @end_date AND event.order_id IS NOT NULL
  )
  GROUP BY memory.order_id
  HAVING MIN(memory.date) < MAX(memory.date)
) AS seen
CROSS JOIN UNNEST(seen.days) AS day
ORDER BY day;

-- step stage_visits
-- @end_date DATE = "2026-11-28"
-- @existing ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
-- @lends_from DATE = "2026-11-29"
-- @lends_until DATE = "2026-11-28"
-- @start_date DATE = "2026-11-25"
-- @timezone STRING = "Europe/Berlin"
-- @unread_from DATE = "2026-11-29"
-- @unread_until DATE = "2026-11-28"
-- @v_2cc33bb75f83 ARRAY<STRING> = ["43things", "43things.com", "51.com", "5ch.net", "academia.edu", "activerain", "activerain.com", "activeworlds", ... 584 more]
-- @v_7b0a5e45de61 ARRAY<STRING> = ["blog.twitch.tv", "crackle", "crackle.com", "curiositystream", "curiositystream.com", "d.tube", "dailymotion", "dailymotion.com", ... 38 more]
-- @v_ae0b7a2642d8 ARRAY<STRING> = ["360.cn", "alice", "aol", "ar.search.yahoo.com", "ask", "at.search.yahoo.com", "au.search.yahoo.com", "auone", ... 121 more]
-- @v_d42e2d6fc185 ARRAY<STRING> = ["aax-us-east.amazon-adsystem.com", "aax.amazon-adsystem.com", "alibaba", "alibaba.com", "amazon", "amazon.co.uk", "amazon.com", "apps.shopify.com", ... 44 more]
-- @whole ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
CREATE OR REPLACE TABLE `my-project.conversions_staging.stage_1_visits` PARTITION BY `date` AS
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
    SUBSTR(MIN(CONCAT(CASE scanned.session_step WHEN 'cross_channel' THEN '0' WHEN 'google_ads' THEN '1' WHEN 'sa360' THEN '2' WHEN 'cm360' THEN '3' WHEN 'dv360' THEN '4' WHEN 'manual' THEN '5' END, scanned.moment, TO_JSON_STRING(STRUCT(
      scanned.session_source AS source, scanned.session_medium AS medium, scanned.session_campaign AS campaign,
      scanned.session_channel AS channel, scanned.session_step AS step
    )))), 2) AS session_record,
    MIN(IF(scanned.own_source IS NULL, NULL, CONCAT(scanned.moment, TO_JSON_STRING(STRUCT(
      scanned.own_source AS source, scanned.own_medium AS medium, scanned.own_campaign AS campaign,
      CAST(NULL AS STRING) AS channel, 'first_event' AS step, scanned.page_location AS page
    ))))) AS event_record,
    MIN(IF(scanned.own_source IS NULL OR scanned.says_little, NULL, CONCAT(scanned.moment, TO_JSON_STRING(STRUCT(
      scanned.own_source AS source, scanned.own_medium AS medium, scanned.own_campaign AS campaign,
      CAST(NULL AS STRING) AS channel, 'first_event' AS step, scanned.page_location AS page
    ))))) AS worded_record
  FROM `my-project.conversions_staging.stage_1_scanned` AS scanned
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
    FROM `my-project.conversions.ga4_visits` AS visit
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
    NOT IF(kept.shard IS NULL, CONCAT(known.property, '/', FORMAT_DATE('%Y%m%d', known.date)) IN UNNEST(@whole), CONCAT(known.property, '/', kept.shard) IN UNNEST(@existing))
    -- which table told a visit of before that was kept, nobody knows: what is told of it now is all
    AND (kept.shard IS NOT NULL OR CONCAT(known.property, '/', known.session_id) NOT IN (
      SELECT CONCAT(scanned.property, '/', scanned.session_id)
      FROM `my-project.conversions_staging.stage_1_scanned` AS scanned
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
    SUBSTR(MIN(CONCAT(CASE JSON_VALUE(SUBSTR(part.session_record, 29), '$.step') WHEN 'cross_channel' THEN '0' WHEN 'google_ads' THEN '1' WHEN 'sa360' THEN '2' WHEN 'cm360' THEN '3' WHEN 'dv360' THEN '4' WHEN 'manual' THEN '5' END, part.session_record)), 2) AS session_record,
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
  FROM `my-project.conversions.ga4_visits` AS lender
  WHERE
    lender.date BETWEEN @lends_from AND @lends_until
    AND COALESCE(lender.source_step, '') NOT IN ('earlier_visit', 'direct')
    AND lender.date NOT BETWEEN @start_date AND @end_date
    -- of the day before the window the scan may know a part alone
    AND (lender.date <> DATE_SUB(@start_date, INTERVAL 1 DAY) OR NOT IF(lender.shard IS NULL, CONCAT(lender.property, '/', FORMAT_DATE('%Y%m%d', lender.date)) IN UNNEST(@whole), CONCAT(lender.property, '/', lender.shard) IN UNNEST(@existing)))
  UNION ALL
  -- what a later visit took from an earlier one may be another source by now
  SELECT
    taker.property, taker.session_id, taker.client_id, taker.started_at, taker.duration_seconds,
    taker.pages, taker.depth, taker.date, taker.landing_page, taker.shard, taker.parts, NULL, FALSE, TRUE
  FROM `my-project.conversions.ga4_visits` AS taker
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
  COALESCE(resolved.exported_channel, CASE
    WHEN LOWER(COALESCE(resolved.source, '')) = '(direct)' AND LOWER(COALESCE(resolved.medium, '')) IN ('(none)', '(not set)', '') THEN 'Direct'
    WHEN STRPOS(LOWER(COALESCE(resolved.campaign, '')), 'cross-network') > 0 THEN 'Cross-network'
    WHEN REGEXP_CONTAINS(LOWER(COALESCE(resolved.medium, '')), r'^(.*cp.*|ppc|retargeting|paid.*)$') THEN
      CASE
        WHEN LOWER(COALESCE(resolved.source, '')) IN UNNEST(@v_d42e2d6fc185) OR REGEXP_CONTAINS(LOWER(COALESCE(resolved.campaign, '')), r'^(.*(([^a-df-z]|^)shop|shopping).*)$') THEN 'Paid Shopping'
        WHEN LOWER(COALESCE(resolved.source, '')) IN UNNEST(@v_ae0b7a2642d8) THEN 'Paid Search'
        WHEN LOWER(COALESCE(resolved.source, '')) IN UNNEST(@v_2cc33bb75f83) THEN 'Paid Social'
        WHEN LOWER(COALESCE(resolved.source, '')) IN UNNEST(@v_7b0a5e45de61) THEN 'Paid Video'
        -- Google looks for display before it gives up: cpm is a display medium
        WHEN LOWER(COALESCE(resolved.medium, '')) = 'cpm' THEN 'Display'
        ELSE 'Paid Other'
      END
    WHEN LOWER(COALESCE(resolved.medium, '')) IN ('display', 'banner', 'expandable', 'interstitial', 'cpm') THEN 'Display'
    WHEN LOWER(COALESCE(resolved.medium, '')) = 'ai-assistant' OR LOWER(COALESCE(resolved.campaign, '')) = '(ai-assistant)' THEN 'AI Assistant'
    WHEN LOWER(COALESCE(resolved.source, '')) IN UNNEST(@v_d42e2d6fc185) OR REGEXP_CONTAINS(LOWER(COALESCE(resolved.campaign, '')), r'^(.*(([^a-df-z]|^)shop|shopping).*)$') THEN 'Organic Shopping'
    WHEN
      LOWER(COALESCE(resolved.source, '')) IN UNNEST(@v_2cc33bb75f83)
      OR LOWER(COALESCE(resolved.medium, '')) IN ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media')
      THEN 'Organic Social'
    WHEN LOWER(COALESCE(resolved.source, '')) IN UNNEST(@v_7b0a5e45de61) OR STRPOS(LOWER(COALESCE(resolved.medium, '')), 'video') > 0 THEN 'Organic Video'
    WHEN LOWER(COALESCE(resolved.source, '')) IN UNNEST(@v_ae0b7a2642d8) OR LOWER(COALESCE(resolved.medium, '')) = 'organic' THEN 'Organic Search'
    WHEN LOWER(COALESCE(resolved.medium, '')) IN ('referral', 'app', 'link') THEN 'Referral'
    WHEN REGEXP_CONTAINS(LOWER(COALESCE(resolved.source, '')), r'e[-_ ]?mail') OR REGEXP_CONTAINS(LOWER(COALESCE(resolved.medium, '')), r'e[-_ ]?mail') THEN 'Email'
    WHEN LOWER(COALESCE(resolved.medium, '')) = 'affiliate' THEN 'Affiliates'
    WHEN LOWER(COALESCE(resolved.medium, '')) = 'audio' THEN 'Audio'
    WHEN LOWER(COALESCE(resolved.source, '')) = 'sms' OR LOWER(COALESCE(resolved.medium, '')) = 'sms' THEN 'SMS'
    WHEN ENDS_WITH(LOWER(COALESCE(resolved.medium, '')), 'push') OR REGEXP_CONTAINS(LOWER(COALESCE(resolved.medium, '')), r'mobile|notification') OR LOWER(COALESCE(resolved.source, '')) = 'firebase' THEN 'Mobile Push Notifications'
    ELSE 'Unassigned'
  END) AS channel_group,
  resolved.exported_channel IS NULL AS channel_is_computed,
  resolved.source_step,
  resolved.shard,
  resolved.parts
FROM resolved;

-- step stage_ga4_visits
-- @end_date DATE = "2026-11-28"
-- @existing ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
-- @start_date DATE = "2026-11-25"
-- @whole ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
CREATE OR REPLACE TABLE `my-project.conversions_staging.stage_1_ga4_visits` AS
WITH
made AS (
  -- the rows as the export says now
  -- the key of a visit is put together where it is stored: two statements more read the rest
  SELECT visited.*, CONCAT(visited.property, '/', visited.session_id) AS visit_key
  FROM `my-project.conversions_staging.stage_1_visits` AS visited
  WHERE visited.date >= @start_date
),
fresh AS (
  -- the rows of the scan with a fingerprint of each
  SELECT spelled.* EXCEPT (row_text), CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(spelled.row_text)), 1, 15)) AS INT64) AS row_hash
  FROM (
    SELECT
      made.date, made.visit_key, made.property, made.client_id, made.session_id, made.started_at, made.duration_seconds, made.pages, made.depth, made.landing_page, made.source, made.medium, made.campaign, made.channel_group, made.channel_is_computed, made.source_step, made.shard, made.parts,
      ARRAY_TO_STRING([CAST(made.date AS STRING), made.visit_key, made.property, made.client_id, made.session_id, CAST(made.started_at AS STRING), CAST(made.duration_seconds AS STRING), CAST(made.pages AS STRING), CAST(made.depth AS STRING), made.landing_page, made.source, made.medium, made.campaign, made.channel_group, CAST(made.channel_is_computed AS STRING), made.source_step, made.shard, TO_JSON_STRING(made.parts)], CHR(31), CHR(30)) AS row_text
    FROM made
  ) AS spelled
),
present AS (
  -- the rows that the table holds of these days and of the later visits
  SELECT
    target.visit_key,
    target.date,
    target.row_hash,
    IF(target.shard IS NULL, CONCAT(target.property, '/', FORMAT_DATE('%Y%m%d', target.date)) IN UNNEST(@whole), CONCAT(target.property, '/', target.shard) IN UNNEST(@existing)) AS is_told
  FROM `my-project.conversions.ga4_visits` AS target
  WHERE target.date BETWEEN @start_date AND DATE_ADD(@end_date, INTERVAL 93 DAY) AND ((target.date <= @end_date ) OR (
      target.date > @end_date
      AND CONCAT(target.property, '/', target.session_id)
        IN (
          SELECT CONCAT(visited.property, '/', visited.session_id)
          FROM `my-project.conversions_staging.stage_1_visits` AS visited
          WHERE visited.date > @end_date
        )
    ))
)
SELECT
  COALESCE(fresh.visit_key, present.visit_key) AS visit_key,
  COALESCE(fresh.date, present.date) AS date,
  fresh.property, fresh.client_id, fresh.session_id, fresh.started_at, fresh.duration_seconds, fresh.pages, fresh.depth, fresh.landing_page, fresh.source, fresh.medium, fresh.campaign, fresh.channel_group, fresh.channel_is_computed, fresh.source_step, fresh.shard, fresh.parts,
  fresh.row_hash,
  present.date AS old_date,
  CASE WHEN present.visit_key IS NULL THEN 'insert' WHEN fresh.visit_key IS NULL THEN 'delete' ELSE 'update' END AS change
FROM fresh
FULL OUTER JOIN present ON present.visit_key = fresh.visit_key
WHERE
  -- what came in a table that is gone by now, deleted or expired, stays counted
  (fresh.visit_key IS NULL AND present.is_told)
  OR (fresh.visit_key IS NOT NULL AND (present.visit_key IS NULL OR fresh.row_hash <> present.row_hash));

-- step stage_ga4_clicks
-- @end_date DATE = "2026-11-28"
-- @existing ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
-- @start_date DATE = "2026-11-25"
-- @unread_from DATE = "2026-11-29"
-- @unread_until DATE = "2026-11-28"
-- @whole ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
CREATE OR REPLACE TABLE `my-project.conversions_staging.stage_1_ga4_clicks` AS
WITH
made AS (
  -- the rows as the export says now
WITH
sight AS (
  -- of one kind an event shows one id: that of the most trusted place
  SELECT
    scanned.date,
    scanned.property,
    scanned.shard,
    scanned.client_id,
    scanned.occurred_at,
    LOWER(SPLIT(pair, '=')[OFFSET(0)]) AS kind,
    SUBSTR(pair, STRPOS(pair, '=') + 1) AS value,
    place
  FROM `my-project.conversions_staging.stage_1_scanned` AS scanned
  CROSS JOIN UNNEST(scanned.click_pairs) AS pair WITH OFFSET AS place
  WHERE scanned.client_id IS NOT NULL AND scanned.date BETWEEN @start_date AND @end_date
),
decoded AS (
  -- ids as they were sent
  SELECT sight.* REPLACE (IF(STRPOS(sight.value, '%') = 0, sight.value, (SELECT STRING_AGG(IF(REGEXP_CONTAINS(part, r'^%[0-9a-fA-F]{2}$'), SAFE_CONVERT_BYTES_TO_STRING(FROM_HEX(SUBSTR(part, 2))), part), '' ORDER BY place) FROM UNNEST(REGEXP_EXTRACT_ALL(sight.value, r'%[0-9a-fA-F]{2}|[^%]+|%')) AS part WITH OFFSET AS place)) AS value) FROM sight
),
valid AS (
  -- one id a kind, texts that are none left out
  SELECT named.*
  FROM (
    SELECT decoded.* REPLACE (IF(REGEXP_CONTAINS(TRIM(decoded.value), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(decoded.value))) AS value) FROM decoded
  ) AS named
  WHERE named.value IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY named.property, named.client_id, named.occurred_at, named.kind ORDER BY named.place, named.value DESC
  ) = 1
),
daily AS (
  -- the first sight of each id on each day in each daily table, as one of them may go
  SELECT
    valid.date, valid.property, valid.shard, valid.client_id, valid.kind, valid.value, MIN(valid.occurred_at) AS seen_at,
    CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(CONCAT(valid.client_id, CHR(31), valid.kind, CHR(31), valid.value))), 1, 15)) AS INT64) AS id_hash
  FROM valid
  GROUP BY valid.date, valid.property, valid.shard, valid.client_id, valid.kind, valid.value
),
shown AS (
  -- the sights of the window, and those that follow from them
  SELECT
    daily.date, daily.property, daily.shard, daily.client_id, daily.kind, daily.value, daily.seen_at, daily.id_hash,
    TO_HEX(SHA256(TO_JSON_STRING(STRUCT(
      daily.property AS property, daily.client_id AS client_id, daily.kind AS kind, daily.value AS value,
      IF(daily.shard <> FORMAT_DATE('%Y%m%d', daily.date), CONCAT(CAST(daily.date AS STRING), '/', daily.shard), CAST(daily.date AS STRING)) AS day
    )))) AS click_key,
    TRUE AS is_scanned
  FROM daily
  UNION ALL
  -- what each table that is gone by now told last
  SELECT
    kept.date, kept.property, kept.shard, kept.client_id, kept.kind, kept.value, kept.seen_at, kept.id_hash, kept.click_key,
    FALSE
  FROM `my-project.conversions.ga4_clicks` AS kept
  WHERE kept.date BETWEEN GREATEST(@unread_from, @start_date) AND @unread_until AND NOT IF(kept.shard IS NULL, CONCAT(kept.property, '/', FORMAT_DATE('%Y%m%d', kept.date)) IN UNNEST(@whole), CONCAT(kept.property, '/', kept.shard) IN UNNEST(@existing))
  UNION ALL
  -- what later days show of the ids that the window shows or showed: their first sight may be another by now
  SELECT
    later.date, later.property, later.shard, later.client_id, later.kind, later.value, later.seen_at, later.id_hash,
    later.click_key, FALSE
  FROM `my-project.conversions.ga4_clicks` AS later
  WHERE
    later.date BETWEEN DATE_ADD(@end_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL 400 DAY)
    AND later.id_hash IN (
      SELECT daily.id_hash FROM daily
      UNION ALL
      SELECT before.id_hash FROM `my-project.conversions.ga4_clicks` AS before WHERE before.date BETWEEN @start_date AND @end_date
    )
),
earlier AS (
  -- when ids that were seen before were seen first
  SELECT known.id_hash, MIN(known.clicked_at) AS clicked_at
  FROM `my-project.conversions.ga4_clicks` AS known
  WHERE known.date BETWEEN DATE_SUB(@start_date, INTERVAL 400 DAY) AND DATE_SUB(@start_date, INTERVAL 1 DAY)
  GROUP BY known.id_hash
),
sighted AS (
  -- a row of before its table was kept may be one that the scan tells
  SELECT shown.*
  FROM shown
  QUALIFY ROW_NUMBER() OVER (PARTITION BY shown.click_key ORDER BY shown.is_scanned DESC) = 1
)
SELECT
  sighted.date,
  sighted.click_key,
  sighted.property,
  sighted.client_id,
  sighted.kind,
  sighted.value,
  sighted.seen_at,
  LEAST(
    COALESCE(earlier.clicked_at, sighted.seen_at),
    MIN(sighted.seen_at) OVER (PARTITION BY sighted.id_hash)
  ) AS clicked_at,
  sighted.id_hash,
  sighted.shard
FROM sighted
LEFT JOIN earlier ON earlier.id_hash = sighted.id_hash
),
fresh AS (
  -- the rows of the scan with a fingerprint of each
  SELECT spelled.* EXCEPT (row_text), CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(spelled.row_text)), 1, 15)) AS INT64) AS row_hash
  FROM (
    SELECT
      made.date, made.click_key, made.property, made.client_id, made.kind, made.value, made.seen_at, made.clicked_at, made.id_hash, made.shard,
      ARRAY_TO_STRING([CAST(made.date AS STRING), made.click_key, made.property, made.client_id, made.kind, made.value, CAST(made.seen_at AS STRING), CAST(made.clicked_at AS STRING), CAST(made.id_hash AS STRING), made.shard], CHR(31), CHR(30)) AS row_text
    FROM made
  ) AS spelled
),
present AS (
  -- the rows that the table holds of these days and of the later visits
  SELECT
    target.click_key,
    target.date,
    target.row_hash,
    IF(target.shard IS NULL, CONCAT(target.property, '/', FORMAT_DATE('%Y%m%d', target.date)) IN UNNEST(@whole), CONCAT(target.property, '/', target.shard) IN UNNEST(@existing)) AS is_told
  FROM `my-project.conversions.ga4_clicks` AS target
  WHERE target.date BETWEEN @start_date AND DATE_ADD(@end_date, INTERVAL 400 DAY) AND ((target.date <= @end_date ) OR (
      target.date > @end_date
      AND target.click_key IN (SELECT fresh.click_key FROM fresh WHERE fresh.date > @end_date)
    ))
)
SELECT
  COALESCE(fresh.click_key, present.click_key) AS click_key,
  COALESCE(fresh.date, present.date) AS date,
  fresh.property, fresh.client_id, fresh.kind, fresh.value, fresh.seen_at, fresh.clicked_at, fresh.id_hash, fresh.shard,
  fresh.row_hash,
  present.date AS old_date,
  CASE WHEN present.click_key IS NULL THEN 'insert' WHEN fresh.click_key IS NULL THEN 'delete' ELSE 'update' END AS change
FROM fresh
FULL OUTER JOIN present ON present.click_key = fresh.click_key
WHERE
  -- what came in a table that is gone by now, deleted or expired, stays counted
  (fresh.click_key IS NULL AND present.is_told)
  OR (fresh.click_key IS NOT NULL AND (present.click_key IS NULL OR fresh.row_hash <> present.row_hash));

-- step stage_order_memory
-- @end_date DATE = "2026-11-28"
-- @existing ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
-- @start_date DATE = "2026-11-25"
-- @whole ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
CREATE OR REPLACE TABLE `my-project.conversions_staging.stage_1_order_memory` AS
WITH
made AS (
  -- the rows as the export says now
SELECT
  event.date,
  TO_HEX(SHA256(TO_JSON_STRING(STRUCT(event.property AS property, event.order_id AS order_id, IF(event.shard <> FORMAT_DATE('%Y%m%d', event.date), CONCAT(CAST(event.date AS STRING), '/', event.shard), CAST(event.date AS STRING)) AS day)))) AS memory_key,
  event.property,
  event.order_id,
  MIN(event.purchase_id) AS purchase_id,
  MIN(event.occurred_at) AS first_at,
  SUBSTR(MIN(CONCAT(CAST(UNIX_MICROS(event.occurred_at) AS STRING), event.client_id)), 17) AS client_id,
  SUBSTR(MIN(CONCAT(CAST(UNIX_MICROS(event.occurred_at) AS STRING), event.user_id)), 17) AS user_id,
  COUNT(DISTINCT event.client_id) AS clients,
  SUM(event.revenue) AS value,
  FALSE AS is_history,
  event.shard
FROM `my-project.conversions_staging.stage_1_scanned` AS event
WHERE
  event.is_wanted = TRUE
  AND event.event_name = 'purchase'
  AND event.order_id IS NOT NULL
  AND event.date BETWEEN @start_date AND @end_date
GROUP BY event.date, event.property, event.order_id, event.shard
),
fresh AS (
  -- the rows of the scan with a fingerprint of each
  SELECT spelled.* EXCEPT (row_text), CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(spelled.row_text)), 1, 15)) AS INT64) AS row_hash
  FROM (
    SELECT
      made.date, made.memory_key, made.property, made.order_id, made.purchase_id, made.first_at, made.client_id, made.user_id, made.clients, made.value, made.is_history, made.shard,
      ARRAY_TO_STRING([CAST(made.date AS STRING), made.memory_key, made.property, made.order_id, made.purchase_id, CAST(made.first_at AS STRING), made.client_id, made.user_id, CAST(made.clients AS STRING), CAST(made.value AS STRING), CAST(made.is_history AS STRING), made.shard], CHR(31), CHR(30)) AS row_text
    FROM made
  ) AS spelled
),
present AS (
  -- the rows that the table holds of these days and of the later visits
  SELECT
    target.memory_key,
    target.date,
    target.row_hash,
    IF(target.shard IS NULL, CONCAT(target.property, '/', FORMAT_DATE('%Y%m%d', target.date)) IN UNNEST(@whole), CONCAT(target.property, '/', target.shard) IN UNNEST(@existing)) AS is_told
  FROM `my-project.conversions.order_memory` AS target
  WHERE target.date BETWEEN @start_date AND @end_date AND ((target.date <= @end_date ) )
)
SELECT
  COALESCE(fresh.memory_key, present.memory_key) AS memory_key,
  COALESCE(fresh.date, present.date) AS date,
  fresh.property, fresh.order_id, fresh.purchase_id, fresh.first_at, fresh.client_id, fresh.user_id, fresh.clients, fresh.value, fresh.is_history, fresh.shard,
  fresh.row_hash,
  present.date AS old_date,
  CASE WHEN present.memory_key IS NULL THEN 'insert' WHEN fresh.memory_key IS NULL THEN 'delete' ELSE 'update' END AS change
FROM fresh
FULL OUTER JOIN present ON present.memory_key = fresh.memory_key
WHERE
  -- what came in a table that is gone by now, deleted or expired, stays counted
  (fresh.memory_key IS NULL AND present.is_told)
  OR (fresh.memory_key IS NOT NULL AND (present.memory_key IS NULL OR fresh.row_hash <> present.row_hash));

-- step stage_ga4_rates
-- @end_date DATE = "2026-11-28"
-- @existing ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
-- @start_date DATE = "2026-11-25"
-- @unread_from DATE = "2026-11-29"
-- @unread_until DATE = "2026-11-28"
-- @whole ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
CREATE OR REPLACE TABLE `my-project.conversions_staging.stage_1_ga4_rates` AS
WITH
made AS (
  -- the rows as the export says now
SELECT
  amount.date,
  CONCAT(amount.property, '/', amount.currency, '/', CAST(amount.date AS STRING)) AS rate_key,
  amount.property,
  amount.currency,
  ARRAY_AGG(amount.value_in_usd / amount.revenue ORDER BY amount.value_in_usd / amount.revenue)[SAFE_OFFSET(DIV(COUNT(*), 2))] AS dollars,
  COUNT(*) AS amounts
FROM (
  -- a refund's amount has no sign, its dollars may have one
  SELECT
    event.date,
    event.property,
    event.currency,
    COALESCE(event.refund_value, event.revenue) AS revenue,
    IF(event.refund_value IS NULL, event.value_in_usd, ABS(event.value_in_usd)) AS value_in_usd
  FROM `my-project.conversions_staging.stage_1_scanned` AS event
  WHERE event.is_wanted = TRUE AND event.date BETWEEN @start_date AND @end_date
  UNION ALL
  -- and what tables that are gone by now told, each amount as often
  SELECT gone.date, gone.property, gone.currency, gone.revenue, gone.value_in_usd
  FROM (
    SELECT
      staged.date,
      staged.property,
      staged.currency,
      COALESCE(staged.refund_value, staged.revenue) AS revenue,
      IF(staged.refund_value IS NULL, staged.value_in_usd, ABS(staged.value_in_usd)) AS value_in_usd,
      staged.copies
    FROM `my-project.conversions.ga4_events` AS staged
    WHERE staged.date BETWEEN GREATEST(@unread_from, @start_date) AND @unread_until AND NOT IF(staged.shard IS NULL, CONCAT(staged.property, '/', FORMAT_DATE('%Y%m%d', staged.date)) IN UNNEST(@whole), CONCAT(staged.property, '/', staged.shard) IN UNNEST(@existing))
  ) AS gone
  CROSS JOIN UNNEST(GENERATE_ARRAY(0, COALESCE(gone.copies, 0))) AS copy
) AS amount
WHERE amount.currency IS NOT NULL AND amount.revenue > 0 AND amount.value_in_usd > 0
GROUP BY amount.date, amount.property, amount.currency
),
fresh AS (
  -- the rows of the scan with a fingerprint of each
  SELECT spelled.* EXCEPT (row_text), CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(spelled.row_text)), 1, 15)) AS INT64) AS row_hash
  FROM (
    SELECT
      made.date, made.rate_key, made.property, made.currency, made.dollars, made.amounts,
      ARRAY_TO_STRING([CAST(made.date AS STRING), made.rate_key, made.property, made.currency, CAST(made.dollars AS STRING), CAST(made.amounts AS STRING)], CHR(31), CHR(30)) AS row_text
    FROM made
  ) AS spelled
),
present AS (
  -- the rows that the table holds of these days and of the later visits
  SELECT
    target.rate_key,
    target.date,
    target.row_hash,
    TRUE AS is_told
  FROM `my-project.conversions.ga4_rates` AS target
  WHERE target.date BETWEEN @start_date AND @end_date AND ((target.date <= @end_date ) )
)
SELECT
  COALESCE(fresh.rate_key, present.rate_key) AS rate_key,
  COALESCE(fresh.date, present.date) AS date,
  fresh.property, fresh.currency, fresh.dollars, fresh.amounts,
  fresh.row_hash,
  present.date AS old_date,
  CASE WHEN present.rate_key IS NULL THEN 'insert' WHEN fresh.rate_key IS NULL THEN 'delete' ELSE 'update' END AS change
FROM fresh
FULL OUTER JOIN present ON present.rate_key = fresh.rate_key
WHERE
  -- what came in a table that is gone by now, deleted or expired, stays counted
  (fresh.rate_key IS NULL AND present.is_told)
  OR (fresh.rate_key IS NOT NULL AND (present.rate_key IS NULL OR fresh.row_hash <> present.row_hash));

-- step stage_ga4_events
-- @end_date DATE = "2026-11-28"
-- @event_names ARRAY<STRING> = ["login", "purchase", "refund", "session_start", "sign_up"]
-- @existing ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
-- @start_date DATE = "2026-11-25"
-- @unread_from DATE = "2026-11-29"
-- @v_2cc33bb75f83 ARRAY<STRING> = ["43things", "43things.com", "51.com", "5ch.net", "academia.edu", "activerain", "activerain.com", "activeworlds", ... 584 more]
-- @v_7b0a5e45de61 ARRAY<STRING> = ["blog.twitch.tv", "crackle", "crackle.com", "curiositystream", "curiositystream.com", "d.tube", "dailymotion", "dailymotion.com", ... 38 more]
-- @v_ae0b7a2642d8 ARRAY<STRING> = ["360.cn", "alice", "aol", "ar.search.yahoo.com", "ask", "at.search.yahoo.com", "au.search.yahoo.com", "auone", ... 121 more]
-- @v_d42e2d6fc185 ARRAY<STRING> = ["aax-us-east.amazon-adsystem.com", "aax.amazon-adsystem.com", "alibaba", "alibaba.com", "amazon", "amazon.co.uk", "amazon.com", "apps.shopify.com", ... 44 more]
-- @whole ARRAY<STRING> = ["my-project.analytics_1/20261124", "my-project.analytics_1/20261125", "my-project.analytics_1/20261126", "my-project.analytics_1/20261127", "my-project.analytics_1/20261128"]
CREATE OR REPLACE TABLE `my-project.conversions_staging.stage_1_ga4_events` AS
WITH
made AS (
  -- the rows as the export says now
  WITH
  deduplicated AS (
    -- each event once; identical rows are counted
    SELECT scanned.*, COUNT(*) OVER (PARTITION BY scanned.event_key) - 1 AS copies
    FROM `my-project.conversions_staging.stage_1_scanned` AS scanned
    WHERE scanned.is_wanted = TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY scanned.event_key ORDER BY scanned.moment) = 1
  ),
  published AS (
    -- rows of the first rule keep the key and the id under which they were published
    SELECT
      target.event_key,
      COALESCE(target.purchase_id, target.order_id, CONCAT('ga4-', target.event_key)) AS purchase_id
    FROM `my-project.conversions.ga4_events` AS target
    WHERE
      target.date BETWEEN @start_date AND @end_date
      AND target.event_name IN UNNEST(@event_names)
      AND COALESCE(target.key_version, 1) = 1
  ),
  claimed AS (
    -- which event of the scan is which published row
    SELECT deduplicated.event_key, deduplicated.event_key_before, deduplicated.purchase_id_before
    FROM deduplicated
    INNER JOIN published ON published.event_key = deduplicated.event_key_before
    QUALIFY ROW_NUMBER() OVER (
      PARTITION BY published.event_key
      ORDER BY deduplicated.purchase_id_before = published.purchase_id DESC, deduplicated.event_key
    ) = 1
  ),
  named AS (
    -- keys and ids as they were published, and the record of the visit
    SELECT
      deduplicated.* REPLACE (
        COALESCE(claimed.event_key_before, deduplicated.event_key) AS event_key,
        COALESCE(claimed.purchase_id_before, deduplicated.purchase_id) AS purchase_id
      ),
      IF(claimed.event_key IS NULL, 2, 1) AS key_version,
      -- the record of the visit; without a visit that of the event itself; never a mixture
      CASE
        WHEN visited.session_id IS NOT NULL THEN visited.source_step
        WHEN deduplicated.session_step IS NOT NULL THEN deduplicated.session_step
        WHEN deduplicated.own_source IS NOT NULL THEN 'event'
        ELSE 'none'
      END AS source_step,
      CASE
        WHEN visited.session_id IS NOT NULL THEN visited.source
        WHEN deduplicated.session_step IS NOT NULL THEN deduplicated.session_source
        ELSE COALESCE(deduplicated.own_source, '(not set)')
      END AS source,
      CASE
        WHEN visited.session_id IS NOT NULL THEN visited.medium
        WHEN deduplicated.session_step IS NOT NULL THEN deduplicated.session_medium
        WHEN deduplicated.own_source IS NOT NULL THEN deduplicated.own_medium
        ELSE '(not set)'
      END AS medium,
      CASE
        WHEN visited.session_id IS NOT NULL THEN visited.campaign
        WHEN deduplicated.session_step IS NOT NULL THEN deduplicated.session_campaign
        WHEN deduplicated.own_source IS NOT NULL THEN deduplicated.own_campaign
        ELSE '(not set)'
      END AS campaign,
      IF(visited.session_id IS NULL, deduplicated.session_channel, visited.channel_group) AS known_channel,
      visited.channel_is_computed AS visit_is_computed
    FROM deduplicated
    LEFT JOIN claimed ON claimed.event_key = deduplicated.event_key
    LEFT JOIN `my-project.conversions_staging.stage_1_visits` AS visited
      ON visited.property = deduplicated.property AND visited.session_id = deduplicated.session_id
  )
  SELECT
    named.date, named.is_preliminary, named.shard, named.property, named.event_name, named.occurred_at, named.client_id, named.user_id, named.session_id, named.session_number, named.order_id, named.value, named.revenue, named.value_in_usd, named.value_problem, named.refund_value, named.refund_is_zero, named.currency, named.coupon, named.event_params, named.user_properties, ARRAY(SELECT AS STRUCT IF(REGEXP_CONTAINS(item.item_id, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.item_id)) AS item_id, IF(REGEXP_CONTAINS(item.item_name, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.item_name)) AS item_name, IF(REGEXP_CONTAINS(item.item_brand, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.item_brand)) AS item_brand, IF(REGEXP_CONTAINS(item.item_variant, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.item_variant)) AS item_variant, IF(REGEXP_CONTAINS(item.item_category, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.item_category)) AS item_category, IF(REGEXP_CONTAINS(item.item_category2, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.item_category2)) AS item_category2, IF(REGEXP_CONTAINS(item.item_category3, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.item_category3)) AS item_category3, IF(REGEXP_CONTAINS(item.item_category4, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.item_category4)) AS item_category4, IF(REGEXP_CONTAINS(item.item_category5, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.item_category5)) AS item_category5, IF(REGEXP_CONTAINS(item.coupon, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.coupon)) AS coupon, IF(REGEXP_CONTAINS(item.affiliation, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.affiliation)) AS affiliation, IF(IS_NAN(item.price) OR IS_INF(item.price), NULL, item.price) AS price, IF(IS_NAN(item.quantity) OR IS_INF(item.quantity), NULL, item.quantity) AS quantity, IF(IS_NAN(item.item_revenue) OR IS_INF(item.item_revenue), NULL, item.item_revenue) AS item_revenue, IF(IS_NAN(item.item_refund) OR IS_INF(item.item_refund), NULL, item.item_refund) AS item_refund FROM UNNEST(named.items) AS item WHERE COALESCE(IF(REGEXP_CONTAINS(item.item_id, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.item_id)), IF(REGEXP_CONTAINS(item.item_name, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(item.item_name))) IS NOT NULL OR COALESCE(NULLIF(item.price, 0), NULLIF(item.item_revenue, 0), NULLIF(item.item_refund, 0)) IS NOT NULL) AS items, named.page_location, named.page_path, named.page_hostname, named.page_title, named.page_referrer, named.device_category, named.operating_system, named.browser, named.language, named.country, named.region, named.city, named.continent, named.platform, named.stream_id, named.consent_ad_user_data, named.consent_ad_personalization,
    named.event_key,
    named.purchase_id,
    named.key_version,
    named.copies,
    named.source,
    named.medium,
    named.campaign,
    COALESCE(named.known_channel, CASE
    WHEN LOWER(COALESCE(named.source, '')) = '(direct)' AND LOWER(COALESCE(named.medium, '')) IN ('(none)', '(not set)', '') THEN 'Direct'
    WHEN STRPOS(LOWER(COALESCE(named.campaign, '')), 'cross-network') > 0 THEN 'Cross-network'
    WHEN REGEXP_CONTAINS(LOWER(COALESCE(named.medium, '')), r'^(.*cp.*|ppc|retargeting|paid.*)$') THEN
      CASE
        WHEN LOWER(COALESCE(named.source, '')) IN UNNEST(@v_d42e2d6fc185) OR REGEXP_CONTAINS(LOWER(COALESCE(named.campaign, '')), r'^(.*(([^a-df-z]|^)shop|shopping).*)$') THEN 'Paid Shopping'
        WHEN LOWER(COALESCE(named.source, '')) IN UNNEST(@v_ae0b7a2642d8) THEN 'Paid Search'
        WHEN LOWER(COALESCE(named.source, '')) IN UNNEST(@v_2cc33bb75f83) THEN 'Paid Social'
        WHEN LOWER(COALESCE(named.source, '')) IN UNNEST(@v_7b0a5e45de61) THEN 'Paid Video'
        -- Google looks for display before it gives up: cpm is a display medium
        WHEN LOWER(COALESCE(named.medium, '')) = 'cpm' THEN 'Display'
        ELSE 'Paid Other'
      END
    WHEN LOWER(COALESCE(named.medium, '')) IN ('display', 'banner', 'expandable', 'interstitial', 'cpm') THEN 'Display'
    WHEN LOWER(COALESCE(named.medium, '')) = 'ai-assistant' OR LOWER(COALESCE(named.campaign, '')) = '(ai-assistant)' THEN 'AI Assistant'
    WHEN LOWER(COALESCE(named.source, '')) IN UNNEST(@v_d42e2d6fc185) OR REGEXP_CONTAINS(LOWER(COALESCE(named.campaign, '')), r'^(.*(([^a-df-z]|^)shop|shopping).*)$') THEN 'Organic Shopping'
    WHEN
      LOWER(COALESCE(named.source, '')) IN UNNEST(@v_2cc33bb75f83)
      OR LOWER(COALESCE(named.medium, '')) IN ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media')
      THEN 'Organic Social'
    WHEN LOWER(COALESCE(named.source, '')) IN UNNEST(@v_7b0a5e45de61) OR STRPOS(LOWER(COALESCE(named.medium, '')), 'video') > 0 THEN 'Organic Video'
    WHEN LOWER(COALESCE(named.source, '')) IN UNNEST(@v_ae0b7a2642d8) OR LOWER(COALESCE(named.medium, '')) = 'organic' THEN 'Organic Search'
    WHEN LOWER(COALESCE(named.medium, '')) IN ('referral', 'app', 'link') THEN 'Referral'
    WHEN REGEXP_CONTAINS(LOWER(COALESCE(named.source, '')), r'e[-_ ]?mail') OR REGEXP_CONTAINS(LOWER(COALESCE(named.medium, '')), r'e[-_ ]?mail') THEN 'Email'
    WHEN LOWER(COALESCE(named.medium, '')) = 'affiliate' THEN 'Affiliates'
    WHEN LOWER(COALESCE(named.medium, '')) = 'audio' THEN 'Audio'
    WHEN LOWER(COALESCE(named.source, '')) = 'sms' OR LOWER(COALESCE(named.medium, '')) = 'sms' THEN 'SMS'
    WHEN ENDS_WITH(LOWER(COALESCE(named.medium, '')), 'push') OR REGEXP_CONTAINS(LOWER(COALESCE(named.medium, '')), r'mobile|notification') OR LOWER(COALESCE(named.source, '')) = 'firebase' THEN 'Mobile Push Notifications'
    ELSE 'Unassigned'
  END) AS channel_group,
    COALESCE(named.visit_is_computed, named.known_channel IS NULL) AS channel_is_computed,
    named.source_step,
    CAST(NULL AS STRING) AS gclid, CAST(NULL AS STRING) AS gbraid, CAST(NULL AS STRING) AS wbraid, CAST(NULL AS STRING) AS dclid, CAST(NULL AS STRING) AS fbclid, CAST(NULL AS STRING) AS msclkid, CAST(NULL AS STRING) AS ttclid, CAST(NULL AS STRING) AS li_fat_id
  FROM named
  UNION ALL
  SELECT target.date, target.is_preliminary, target.shard, target.property, target.event_name, target.occurred_at, target.client_id, target.user_id, target.session_id, target.session_number, target.order_id, target.value, target.revenue, target.value_in_usd, target.value_problem, target.refund_value, target.refund_is_zero, target.currency, target.coupon, target.event_params, target.user_properties, target.items, target.page_location, target.page_path, target.page_hostname, target.page_title, target.page_referrer, target.device_category, target.operating_system, target.browser, target.language, target.country, target.region, target.city, target.continent, target.platform, target.stream_id, target.consent_ad_user_data, target.consent_ad_personalization, target.event_key, target.purchase_id, target.key_version, target.copies, visited.source, visited.medium, visited.campaign, visited.channel_group, visited.channel_is_computed, visited.source_step, target.gclid, target.gbraid, target.wbraid, target.dclid, target.fbclid, target.msclkid, target.ttclid, target.li_fat_id
  FROM `my-project.conversions.ga4_events` AS target
  INNER JOIN `my-project.conversions_staging.stage_1_visits` AS visited
    ON visited.property = target.property AND visited.session_id = target.session_id
  WHERE
    target.date BETWEEN GREATEST(@unread_from, @start_date) AND DATE_ADD(@end_date, INTERVAL 93 DAY)
    AND (
      (target.date > @end_date AND visited.date > @end_date)
      -- or of a table that is gone by now
      OR (target.date <= @end_date AND target.event_name IN UNNEST(@event_names) AND NOT IF(target.shard IS NULL, CONCAT(target.property, '/', FORMAT_DATE('%Y%m%d', target.date)) IN UNNEST(@whole), CONCAT(target.property, '/', target.shard) IN UNNEST(@existing)))
    )
),
fresh AS (
  -- the rows of the scan with a fingerprint of each
  SELECT spelled.* EXCEPT (row_text), CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(spelled.row_text)), 1, 15)) AS INT64) AS row_hash
  FROM (
    SELECT
      made.date, made.event_key, made.key_version, made.purchase_id, made.copies, made.is_preliminary, made.shard, made.property, made.event_name, made.occurred_at, made.client_id, made.user_id, made.session_id, made.session_number, made.order_id, made.value, made.revenue, made.value_in_usd, made.value_problem, made.refund_value, made.refund_is_zero, made.currency, made.coupon, made.event_params, made.user_properties, made.items, made.page_location, made.page_path, made.page_hostname, made.page_title, made.page_referrer, made.source, made.medium, made.campaign, made.channel_group, made.channel_is_computed, made.source_step, made.device_category, made.operating_system, made.browser, made.language, made.country, made.region, made.city, made.continent, made.platform, made.stream_id, made.gclid, made.gbraid, made.wbraid, made.dclid, made.fbclid, made.msclkid, made.ttclid, made.li_fat_id, made.consent_ad_user_data, made.consent_ad_personalization,
      ARRAY_TO_STRING([CAST(made.date AS STRING), made.event_key, CAST(made.key_version AS STRING), made.purchase_id, CAST(made.copies AS STRING), CAST(made.is_preliminary AS STRING), made.shard, made.property, made.event_name, CAST(made.occurred_at AS STRING), made.client_id, made.user_id, made.session_id, CAST(made.session_number AS STRING), made.order_id, CAST(made.value AS STRING), CAST(made.revenue AS STRING), CAST(made.value_in_usd AS STRING), made.value_problem, CAST(made.refund_value AS STRING), CAST(made.refund_is_zero AS STRING), made.currency, made.coupon, TO_JSON_STRING(made.event_params), TO_JSON_STRING(made.user_properties), TO_JSON_STRING(made.items), made.page_location, made.page_path, made.page_hostname, made.page_title, made.page_referrer, made.source, made.medium, made.campaign, made.channel_group, CAST(made.channel_is_computed AS STRING), made.source_step, made.device_category, made.operating_system, made.browser, made.language, made.country, made.region, made.city, made.continent, made.platform, made.stream_id, made.gclid, made.gbraid, made.wbraid, made.dclid, made.fbclid, made.msclkid, made.ttclid, made.li_fat_id, made.consent_ad_user_data, made.consent_ad_personalization], CHR(31), CHR(30)) AS row_text
    FROM made
  ) AS spelled
),
present AS (
  -- the rows that the table holds of these days and of the later visits
  SELECT
    target.event_key,
    target.date,
    target.row_hash,
    IF(target.shard IS NULL, CONCAT(target.property, '/', FORMAT_DATE('%Y%m%d', target.date)) IN UNNEST(@whole), CONCAT(target.property, '/', target.shard) IN UNNEST(@existing)) AS is_told
  FROM `my-project.conversions.ga4_events` AS target
  WHERE target.date BETWEEN @start_date AND DATE_ADD(@end_date, INTERVAL 93 DAY) AND ((target.date <= @end_date AND target.event_name IN UNNEST(@event_names)) OR (
      target.date > @end_date
      AND CONCAT(target.property, '/', target.session_id)
        IN (
          SELECT CONCAT(visited.property, '/', visited.session_id)
          FROM `my-project.conversions_staging.stage_1_visits` AS visited
          WHERE visited.date > @end_date
        )
    ))
)
SELECT
  COALESCE(fresh.event_key, present.event_key) AS event_key,
  COALESCE(fresh.date, present.date) AS date,
  fresh.key_version, fresh.purchase_id, fresh.copies, fresh.is_preliminary, fresh.shard, fresh.property, fresh.event_name, fresh.occurred_at, fresh.client_id, fresh.user_id, fresh.session_id, fresh.session_number, fresh.order_id, fresh.value, fresh.revenue, fresh.value_in_usd, fresh.value_problem, fresh.refund_value, fresh.refund_is_zero, fresh.currency, fresh.coupon, fresh.event_params, fresh.user_properties, fresh.items, fresh.page_location, fresh.page_path, fresh.page_hostname, fresh.page_title, fresh.page_referrer, fresh.source, fresh.medium, fresh.campaign, fresh.channel_group, fresh.channel_is_computed, fresh.source_step, fresh.device_category, fresh.operating_system, fresh.browser, fresh.language, fresh.country, fresh.region, fresh.city, fresh.continent, fresh.platform, fresh.stream_id, fresh.gclid, fresh.gbraid, fresh.wbraid, fresh.dclid, fresh.fbclid, fresh.msclkid, fresh.ttclid, fresh.li_fat_id, fresh.consent_ad_user_data, fresh.consent_ad_personalization,
  fresh.row_hash,
  present.date AS old_date,
  CASE WHEN present.event_key IS NULL THEN 'insert' WHEN fresh.event_key IS NULL THEN 'delete' ELSE 'update' END AS change
FROM fresh
FULL OUTER JOIN present ON present.event_key = fresh.event_key
WHERE
  -- what came in a table that is gone by now, deleted or expired, stays counted
  (fresh.event_key IS NULL AND present.is_told)
  OR (fresh.event_key IS NOT NULL AND (present.event_key IS NULL OR fresh.row_hash <> present.row_hash));

-- step merge_ga4_visits
-- @fence INT64 = 1
-- @first_date DATE = "2026-11-28"
-- @last_date DATE = "2026-11-28"
-- @lease STRING = "stage:ga4_events"
MERGE INTO `my-project.conversions.ga4_visits` AS target
USING (
  SELECT d.*
  FROM `my-project.conversions_staging.stage_1_ga4_visits` AS d
  -- a writer that lost its lease while it waited changes nothing
  WHERE (SELECT MAX(leases.fence) FROM `my-project.conversions.leases_6` AS leases WHERE leases.name = @lease) = @fence
) AS source
ON
  target.`visit_key` = source.`visit_key`
  -- a row that is new finds itself where a write before this one has brought it already
  AND target.date = COALESCE(source.old_date, source.date)
  AND target.date BETWEEN @first_date AND @last_date
WHEN MATCHED AND source.change = 'delete' THEN DELETE
WHEN MATCHED THEN UPDATE SET `date` = source.`date`, `visit_key` = source.`visit_key`, `property` = source.`property`, `client_id` = source.`client_id`, `session_id` = source.`session_id`, `started_at` = source.`started_at`, `duration_seconds` = source.`duration_seconds`, `pages` = source.`pages`, `depth` = source.`depth`, `landing_page` = source.`landing_page`, `source` = source.`source`, `medium` = source.`medium`, `campaign` = source.`campaign`, `channel_group` = source.`channel_group`, `channel_is_computed` = source.`channel_is_computed`, `source_step` = source.`source_step`, `shard` = source.`shard`, `parts` = source.`parts`, `row_hash` = source.`row_hash`
WHEN NOT MATCHED AND source.change = 'insert' THEN INSERT (`date`, `visit_key`, `property`, `client_id`, `session_id`, `started_at`, `duration_seconds`, `pages`, `depth`, `landing_page`, `source`, `medium`, `campaign`, `channel_group`, `channel_is_computed`, `source_step`, `shard`, `parts`, `row_hash`) VALUES (source.`date`, source.`visit_key`, source.`property`, source.`client_id`, source.`session_id`, source.`started_at`, source.`duration_seconds`, source.`pages`, source.`depth`, source.`landing_page`, source.`source`, source.`medium`, source.`campaign`, source.`channel_group`, source.`channel_is_computed`, source.`source_step`, source.`shard`, source.`parts`, source.`row_hash`);

-- step merge_ga4_clicks
-- @fence INT64 = 1
-- @first_date DATE = "2026-11-28"
-- @last_date DATE = "2026-11-28"
-- @lease STRING = "stage:ga4_events"
MERGE INTO `my-project.conversions.ga4_clicks` AS target
USING (
  SELECT d.*
  FROM `my-project.conversions_staging.stage_1_ga4_clicks` AS d
  -- a writer that lost its lease while it waited changes nothing
  WHERE (SELECT MAX(leases.fence) FROM `my-project.conversions.leases_6` AS leases WHERE leases.name = @lease) = @fence
) AS source
ON
  target.`click_key` = source.`click_key`
  -- a row that is new finds itself where a write before this one has brought it already
  AND target.date = COALESCE(source.old_date, source.date)
  AND target.date BETWEEN @first_date AND @last_date
WHEN MATCHED AND source.change = 'delete' THEN DELETE
WHEN MATCHED THEN UPDATE SET `date` = source.`date`, `click_key` = source.`click_key`, `property` = source.`property`, `client_id` = source.`client_id`, `kind` = source.`kind`, `value` = source.`value`, `seen_at` = source.`seen_at`, `clicked_at` = source.`clicked_at`, `id_hash` = source.`id_hash`, `shard` = source.`shard`, `row_hash` = source.`row_hash`
WHEN NOT MATCHED AND source.change = 'insert' THEN INSERT (`date`, `click_key`, `property`, `client_id`, `kind`, `value`, `seen_at`, `clicked_at`, `id_hash`, `shard`, `row_hash`) VALUES (source.`date`, source.`click_key`, source.`property`, source.`client_id`, source.`kind`, source.`value`, source.`seen_at`, source.`clicked_at`, source.`id_hash`, source.`shard`, source.`row_hash`);

-- step merge_order_memory
-- @fence INT64 = 1
-- @first_date DATE = "2026-11-28"
-- @last_date DATE = "2026-11-28"
-- @lease STRING = "stage:ga4_events"
MERGE INTO `my-project.conversions.order_memory` AS target
USING (
  SELECT d.*
  FROM `my-project.conversions_staging.stage_1_order_memory` AS d
  -- a writer that lost its lease while it waited changes nothing
  WHERE (SELECT MAX(leases.fence) FROM `my-project.conversions.leases_6` AS leases WHERE leases.name = @lease) = @fence
) AS source
ON
  target.`memory_key` = source.`memory_key`
  -- a row that is new finds itself where a write before this one has brought it already
  AND target.date = COALESCE(source.old_date, source.date)
  AND target.date BETWEEN @first_date AND @last_date
WHEN MATCHED AND source.change = 'delete' THEN DELETE
WHEN MATCHED THEN UPDATE SET `date` = source.`date`, `memory_key` = source.`memory_key`, `property` = source.`property`, `order_id` = source.`order_id`, `purchase_id` = source.`purchase_id`, `first_at` = source.`first_at`, `client_id` = source.`client_id`, `user_id` = source.`user_id`, `clients` = source.`clients`, `value` = source.`value`, `is_history` = source.`is_history`, `shard` = source.`shard`, `row_hash` = source.`row_hash`
WHEN NOT MATCHED AND source.change = 'insert' THEN INSERT (`date`, `memory_key`, `property`, `order_id`, `purchase_id`, `first_at`, `client_id`, `user_id`, `clients`, `value`, `is_history`, `shard`, `row_hash`) VALUES (source.`date`, source.`memory_key`, source.`property`, source.`order_id`, source.`purchase_id`, source.`first_at`, source.`client_id`, source.`user_id`, source.`clients`, source.`value`, source.`is_history`, source.`shard`, source.`row_hash`);

-- step merge_ga4_rates
-- @fence INT64 = 1
-- @first_date DATE = "2026-11-28"
-- @last_date DATE = "2026-11-28"
-- @lease STRING = "stage:ga4_events"
MERGE INTO `my-project.conversions.ga4_rates` AS target
USING (
  SELECT d.*
  FROM `my-project.conversions_staging.stage_1_ga4_rates` AS d
  -- a writer that lost its lease while it waited changes nothing
  WHERE (SELECT MAX(leases.fence) FROM `my-project.conversions.leases_6` AS leases WHERE leases.name = @lease) = @fence
) AS source
ON
  target.`rate_key` = source.`rate_key`
  -- a row that is new finds itself where a write before this one has brought it already
  AND target.date = COALESCE(source.old_date, source.date)
  AND target.date BETWEEN @first_date AND @last_date
WHEN MATCHED AND source.change = 'delete' THEN DELETE
WHEN MATCHED THEN UPDATE SET `date` = source.`date`, `rate_key` = source.`rate_key`, `property` = source.`property`, `currency` = source.`currency`, `dollars` = source.`dollars`, `amounts` = source.`amounts`, `row_hash` = source.`row_hash`
WHEN NOT MATCHED AND source.change = 'insert' THEN INSERT (`date`, `rate_key`, `property`, `currency`, `dollars`, `amounts`, `row_hash`) VALUES (source.`date`, source.`rate_key`, source.`property`, source.`currency`, source.`dollars`, source.`amounts`, source.`row_hash`);

-- step merge_ga4_events
-- @fence INT64 = 1
-- @first_date DATE = "2026-11-28"
-- @last_date DATE = "2026-11-28"
-- @lease STRING = "stage:ga4_events"
MERGE INTO `my-project.conversions.ga4_events` AS target
USING (
  SELECT d.*
  FROM `my-project.conversions_staging.stage_1_ga4_events` AS d
  -- a writer that lost its lease while it waited changes nothing
  WHERE (SELECT MAX(leases.fence) FROM `my-project.conversions.leases_6` AS leases WHERE leases.name = @lease) = @fence
) AS source
ON
  target.`event_key` = source.`event_key`
  -- a row that is new finds itself where a write before this one has brought it already
  AND target.date = COALESCE(source.old_date, source.date)
  AND target.date BETWEEN @first_date AND @last_date
WHEN MATCHED AND source.change = 'delete' THEN DELETE
WHEN MATCHED THEN UPDATE SET `date` = source.`date`, `event_key` = source.`event_key`, `key_version` = source.`key_version`, `purchase_id` = source.`purchase_id`, `copies` = source.`copies`, `is_preliminary` = source.`is_preliminary`, `shard` = source.`shard`, `property` = source.`property`, `event_name` = source.`event_name`, `occurred_at` = source.`occurred_at`, `client_id` = source.`client_id`, `user_id` = source.`user_id`, `session_id` = source.`session_id`, `session_number` = source.`session_number`, `order_id` = source.`order_id`, `value` = source.`value`, `revenue` = source.`revenue`, `value_in_usd` = source.`value_in_usd`, `value_problem` = source.`value_problem`, `refund_value` = source.`refund_value`, `refund_is_zero` = source.`refund_is_zero`, `currency` = source.`currency`, `coupon` = source.`coupon`, `event_params` = source.`event_params`, `user_properties` = source.`user_properties`, `items` = source.`items`, `page_location` = source.`page_location`, `page_path` = source.`page_path`, `page_hostname` = source.`page_hostname`, `page_title` = source.`page_title`, `page_referrer` = source.`page_referrer`, `source` = source.`source`, `medium` = source.`medium`, `campaign` = source.`campaign`, `channel_group` = source.`channel_group`, `channel_is_computed` = source.`channel_is_computed`, `source_step` = source.`source_step`, `device_category` = source.`device_category`, `operating_system` = source.`operating_system`, `browser` = source.`browser`, `language` = source.`language`, `country` = source.`country`, `region` = source.`region`, `city` = source.`city`, `continent` = source.`continent`, `platform` = source.`platform`, `stream_id` = source.`stream_id`, `gclid` = source.`gclid`, `gbraid` = source.`gbraid`, `wbraid` = source.`wbraid`, `dclid` = source.`dclid`, `fbclid` = source.`fbclid`, `msclkid` = source.`msclkid`, `ttclid` = source.`ttclid`, `li_fat_id` = source.`li_fat_id`, `consent_ad_user_data` = source.`consent_ad_user_data`, `consent_ad_personalization` = source.`consent_ad_personalization`, `row_hash` = source.`row_hash`
WHEN NOT MATCHED AND source.change = 'insert' THEN INSERT (`date`, `event_key`, `key_version`, `purchase_id`, `copies`, `is_preliminary`, `shard`, `property`, `event_name`, `occurred_at`, `client_id`, `user_id`, `session_id`, `session_number`, `order_id`, `value`, `revenue`, `value_in_usd`, `value_problem`, `refund_value`, `refund_is_zero`, `currency`, `coupon`, `event_params`, `user_properties`, `items`, `page_location`, `page_path`, `page_hostname`, `page_title`, `page_referrer`, `source`, `medium`, `campaign`, `channel_group`, `channel_is_computed`, `source_step`, `device_category`, `operating_system`, `browser`, `language`, `country`, `region`, `city`, `continent`, `platform`, `stream_id`, `gclid`, `gbraid`, `wbraid`, `dclid`, `fbclid`, `msclkid`, `ttclid`, `li_fat_id`, `consent_ad_user_data`, `consent_ad_personalization`, `row_hash`) VALUES (source.`date`, source.`event_key`, source.`key_version`, source.`purchase_id`, source.`copies`, source.`is_preliminary`, source.`shard`, source.`property`, source.`event_name`, source.`occurred_at`, source.`client_id`, source.`user_id`, source.`session_id`, source.`session_number`, source.`order_id`, source.`value`, source.`revenue`, source.`value_in_usd`, source.`value_problem`, source.`refund_value`, source.`refund_is_zero`, source.`currency`, source.`coupon`, source.`event_params`, source.`user_properties`, source.`items`, source.`page_location`, source.`page_path`, source.`page_hostname`, source.`page_title`, source.`page_referrer`, source.`source`, source.`medium`, source.`campaign`, source.`channel_group`, source.`channel_is_computed`, source.`source_step`, source.`device_category`, source.`operating_system`, source.`browser`, source.`language`, source.`country`, source.`region`, source.`city`, source.`continent`, source.`platform`, source.`stream_id`, source.`gclid`, source.`gbraid`, source.`wbraid`, source.`dclid`, source.`fbclid`, source.`msclkid`, source.`ttclid`, source.`li_fat_id`, source.`consent_ad_user_data`, source.`consent_ad_personalization`, source.`row_hash`);

-- step identity
-- @end_date DATE = "2026-11-28"
-- @event_names ARRAY<STRING> = ["purchase"]
-- @lasting_names ARRAY<STRING> = ["purchase"]
-- @late_start DATE = "2026-11-24"
-- @start_date DATE = "2026-10-25"
CREATE OR REPLACE TABLE `my-project.conversions_staging.identity_fbdd79193146f1f33836_20261128` AS
WITH
edges AS (
  -- who was seen with whom
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
FROM spread
),
counted AS (
  -- the clients of some days, and the users that their events name
  SELECT DISTINCT event.client_id, event.user_id
  FROM `my-project.conversions.ga4_events` AS event
  WHERE
    event.date BETWEEN @start_date AND @end_date
    AND event.event_name IN UNNEST(@event_names)
    AND (event.date >= @late_start OR event.event_name IN UNNEST(@lasting_names))
),
users AS (
  -- with the users whom edges name
  SELECT counted.user_id FROM counted
  UNION DISTINCT
  SELECT edges.user_id FROM edges INNER JOIN counted ON counted.client_id = edges.client_id
),
clients AS (
  -- with every client of these users: who counted before may be one of them
  SELECT counted.client_id FROM counted
  UNION DISTINCT
  SELECT edges.client_id FROM edges INNER JOIN users ON users.user_id = edges.user_id
)
SELECT edges.kind, edges.client_id, edges.user_id, edges.since
FROM edges
WHERE edges.kind = 'shared' OR edges.client_id IN (SELECT clients.client_id FROM clients);

-- step clicks
-- @end_date DATE = "2026-11-28"
-- @event_names ARRAY<STRING> = ["purchase"]
-- @lasting_names ARRAY<STRING> = ["purchase"]
-- @late_start DATE = "2026-11-24"
-- @start_date DATE = "2026-10-25"
CREATE OR REPLACE TABLE `my-project.conversions_staging.clicks_fbdd79193146f1f33836_20261128` PARTITION BY `last_date` AS
SELECT
  click.client_id,
  click.date,
  click.kind,
  click.value,
  click.clicked_at,
  counted.last_date
FROM `my-project.conversions.ga4_clicks` AS click
INNER JOIN (
  -- whoever counted in the days, and when last: a shorter window needs only who counted in it
  SELECT event.client_id, MAX(event.date) AS last_date
  FROM `my-project.conversions.ga4_events` AS event
  WHERE
    event.date BETWEEN @start_date AND @end_date
    AND event.event_name IN UNNEST(@event_names)
    AND (event.date >= @late_start OR event.event_name IN UNNEST(@lasting_names))
  GROUP BY event.client_id
) AS counted ON counted.client_id = click.client_id
WHERE
  click.date BETWEEN DATE_SUB(@start_date, INTERVAL 91 DAY) AND @end_date;

-- step candidates
-- @begins DATE = "2026-10-26"
-- @end_date DATE = "2026-11-28"
-- @event_names ARRAY<STRING> = ["purchase"]
-- @order_days ARRAY<DATE> = [null]
-- @start_date DATE = "2026-10-26"
-- @timezone STRING = "Europe/Berlin"
-- @v_39903922be50 STRING = "EUR"
-- @v_5969f3a995e6 INT64 = 30
-- @v_6989d769791f ARRAY<STRING> = ["AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", ... 147 more]
CREATE OR REPLACE TABLE `my-project.conversions_staging.purchase_1_candidates` AS
WITH RECURSIVE
counted AS (
  -- the events of the days that pass the filters, each as a candidate
  SELECT
    event.event_key AS event_key,
    event.property AS property,
    event.items AS items,
    IF(event.revenue < 0 OR IS_NAN(event.revenue) OR IS_INF(event.revenue), NULL, event.revenue) AS paid,
    IF(event.value_problem = 'unreadable_currency', NULL, IF(COALESCE(event.currency, @v_39903922be50) IN UNNEST(@v_6989d769791f), COALESCE(event.currency, @v_39903922be50), NULL)) AS paid_currency,
    IF(event.revenue > 0 AND event.value_in_usd > 0, event.value_in_usd / event.revenue, NULL) AS paid_dollar_rate,
    COALESCE(event.purchase_id, event.order_id, CONCAT('ga4-', event.event_key)) AS id,
  event.client_id AS client_id,
  event.occurred_at AS created,
  IF(event.value_problem = 'unreadable_currency', NULL, IF(COALESCE(event.currency, @v_39903922be50) IN UNNEST(@v_6989d769791f), COALESCE(event.currency, @v_39903922be50), NULL)) AS currency,
  TRUE AS is_qualified,
  CAST([] AS ARRAY<STRUCT<key STRING, value STRING>>) AS params,
  event.user_id AS user_id,
  CAST(NULL AS STRING) AS lead_id,
  CAST(NULL AS STRING) AS person_id,
  IF(event.revenue < 0 OR IS_NAN(event.revenue) OR IS_INF(event.revenue), NULL, event.revenue) AS value_gross,
  CAST(NULL AS FLOAT64) AS value_refunded,
  CAST(NULL AS STRING) AS refund_status,
  IF(IF(event.revenue < 0 OR IS_NAN(event.revenue) OR IS_INF(event.revenue), NULL, event.revenue) IS NULL, 'none', 'actual') AS value_kind,
  COALESCE(event.value_problem, CASE WHEN event.revenue < 0 THEN 'negative_value' WHEN IS_NAN(event.revenue) OR IS_INF(event.revenue) THEN 'unreadable_value' WHEN event.currency NOT IN UNNEST(@v_6989d769791f) THEN 'unreadable_currency' END) AS value_problem,
  IF(event.revenue > 0 AND event.value_in_usd > 0, event.value_in_usd / event.revenue, NULL) AS dollar_rate,
  event.is_preliminary AS is_preliminary,
  CAST(NULL AS STRING) AS component,
  CAST(NULL AS STRING) AS gclid,
  CAST(NULL AS STRING) AS gbraid,
  CAST(NULL AS STRING) AS wbraid,
  CAST(NULL AS STRING) AS dclid,
  CAST(NULL AS STRING) AS fbc,
  CAST(NULL AS STRING) AS fbclid,
  CAST(NULL AS STRING) AS fbp,
  CAST(NULL AS STRING) AS msclkid,
  CAST(NULL AS STRING) AS ttclid,
  CAST(NULL AS STRING) AS ttp,
  CAST(NULL AS STRING) AS li_fat_id,
  CAST(NULL AS TIMESTAMP) AS click_at,
  CAST(NULL AS TIMESTAMP) AS google_click_at,
  CAST(NULL AS TIMESTAMP) AS cm360_click_at,
  CAST(NULL AS TIMESTAMP) AS meta_click_at,
  CAST(NULL AS TIMESTAMP) AS microsoft_click_at,
  CAST(NULL AS TIMESTAMP) AS tiktok_click_at,
  CAST(NULL AS TIMESTAMP) AS linkedin_click_at,
  event.session_id AS session_id,
  event.source AS source,
  event.medium AS medium,
  event.campaign AS campaign,
  event.channel_group AS channel_group,
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
  CASE LOWER(TRIM(event.platform)) WHEN 'web' THEN 'web' WHEN 'ios' THEN 'app' WHEN 'android' THEN 'app' ELSE LOWER(IF(REGEXP_CONTAINS(event.platform, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(event.platform))) END AS event_source,
  event.consent_ad_user_data AS consent_ad_user_data,
  event.consent_ad_personalization AS consent_ad_personalization,
  IF(event.revenue < 0 OR IS_NAN(event.revenue) OR IS_INF(event.revenue), NULL, event.revenue) AS net_value,
  CAST(NULL AS STRING) AS removed
  FROM `my-project.conversions.ga4_events` AS event
  WHERE
    event.date BETWEEN @start_date AND @end_date
    AND event.event_name IN UNNEST(@event_names)
),
past AS (
  -- what counted before the window silences what follows, even when it was returned or removed since
  SELECT earlier.*
  FROM (
  -- the events of the days that pass the filters, each as a candidate
  SELECT
    event.event_key AS event_key,
    event.property AS property,
    event.items AS items,
    IF(event.revenue < 0 OR IS_NAN(event.revenue) OR IS_INF(event.revenue), NULL, event.revenue) AS paid,
    IF(event.value_problem = 'unreadable_currency', NULL, IF(COALESCE(event.currency, @v_39903922be50) IN UNNEST(@v_6989d769791f), COALESCE(event.currency, @v_39903922be50), NULL)) AS paid_currency,
    IF(event.revenue > 0 AND event.value_in_usd > 0, event.value_in_usd / event.revenue, NULL) AS paid_dollar_rate,
    COALESCE(event.purchase_id, event.order_id, CONCAT('ga4-', event.event_key)) AS id,
  event.client_id AS client_id,
  event.occurred_at AS created,
  IF(event.value_problem = 'unreadable_currency', NULL, IF(COALESCE(event.currency, @v_39903922be50) IN UNNEST(@v_6989d769791f), COALESCE(event.currency, @v_39903922be50), NULL)) AS currency,
  TRUE AS is_qualified,
  CAST([] AS ARRAY<STRUCT<key STRING, value STRING>>) AS params,
  event.user_id AS user_id,
  CAST(NULL AS STRING) AS lead_id,
  CAST(NULL AS STRING) AS person_id,
  IF(event.revenue < 0 OR IS_NAN(event.revenue) OR IS_INF(event.revenue), NULL, event.revenue) AS value_gross,
  CAST(NULL AS FLOAT64) AS value_refunded,
  CAST(NULL AS STRING) AS refund_status,
  IF(IF(event.revenue < 0 OR IS_NAN(event.revenue) OR IS_INF(event.revenue), NULL, event.revenue) IS NULL, 'none', 'actual') AS value_kind,
  COALESCE(event.value_problem, CASE WHEN event.revenue < 0 THEN 'negative_value' WHEN IS_NAN(event.revenue) OR IS_INF(event.revenue) THEN 'unreadable_value' WHEN event.currency NOT IN UNNEST(@v_6989d769791f) THEN 'unreadable_currency' END) AS value_problem,
  IF(event.revenue > 0 AND event.value_in_usd > 0, event.value_in_usd / event.revenue, NULL) AS dollar_rate,
  event.is_preliminary AS is_preliminary,
  CAST(NULL AS STRING) AS component,
  CAST(NULL AS STRING) AS gclid,
  CAST(NULL AS STRING) AS gbraid,
  CAST(NULL AS STRING) AS wbraid,
  CAST(NULL AS STRING) AS dclid,
  CAST(NULL AS STRING) AS fbc,
  CAST(NULL AS STRING) AS fbclid,
  CAST(NULL AS STRING) AS fbp,
  CAST(NULL AS STRING) AS msclkid,
  CAST(NULL AS STRING) AS ttclid,
  CAST(NULL AS STRING) AS ttp,
  CAST(NULL AS STRING) AS li_fat_id,
  CAST(NULL AS TIMESTAMP) AS click_at,
  CAST(NULL AS TIMESTAMP) AS google_click_at,
  CAST(NULL AS TIMESTAMP) AS cm360_click_at,
  CAST(NULL AS TIMESTAMP) AS meta_click_at,
  CAST(NULL AS TIMESTAMP) AS microsoft_click_at,
  CAST(NULL AS TIMESTAMP) AS tiktok_click_at,
  CAST(NULL AS TIMESTAMP) AS linkedin_click_at,
  event.session_id AS session_id,
  event.source AS source,
  event.medium AS medium,
  event.campaign AS campaign,
  event.channel_group AS channel_group,
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
  CASE LOWER(TRIM(event.platform)) WHEN 'web' THEN 'web' WHEN 'ios' THEN 'app' WHEN 'android' THEN 'app' ELSE LOWER(IF(REGEXP_CONTAINS(event.platform, r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(event.platform))) END AS event_source,
  event.consent_ad_user_data AS consent_ad_user_data,
  event.consent_ad_personalization AS consent_ad_personalization,
  IF(event.revenue < 0 OR IS_NAN(event.revenue) OR IS_INF(event.revenue), NULL, event.revenue) AS net_value,
  CAST(NULL AS STRING) AS removed
  FROM `my-project.conversions.ga4_events` AS event
  WHERE
    event.date BETWEEN DATE_SUB(@start_date, INTERVAL 731 DAY) AND DATE_SUB(@start_date, INTERVAL 1 DAY) AND event.date IN UNNEST(@order_days)
    AND event.event_name IN UNNEST(@event_names)
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
      WHERE (target.date < @start_date OR target.date > @end_date) AND target.date IN UNNEST(@order_days)
      UNION DISTINCT
      SELECT past.id FROM past
      UNION DISTINCT
      -- orders older than the stage, or than the conversion's own first day: of them only the id is known
      SELECT memory.purchase_id
      FROM `my-project.conversions.order_memory` AS memory
      WHERE memory.date < @start_date AND (memory.is_history OR memory.date < @begins) AND memory.date IN UNNEST(@order_days)
    ) AS published ON published.id = previous.id
  ) AS ranked
),
edges AS (
  -- who is who: the edges of the identity graph
  SELECT edge.kind, edge.client_id, edge.user_id, edge.since FROM `my-project.conversions_staging.identity_fbdd79193146f1f33836_20261128` AS edge
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
  -- who counted before, under the persons of today, so that a login learned later still counts, and under
  -- those of that time, so that one that is forgotten by now does too
  SELECT DISTINCT COALESCE(of_user.key, known.key) AS key
  FROM (
    SELECT counted.key
    FROM (
      -- of all rows less those from the window on, so that of history no day is read besides the keys
      SELECT IF(target.person_key IS NULL, ERROR('rows without person_key'), target.person_key) AS key, 1 AS rows_
      FROM `my-project.conversions.conversion_purchase` AS target
      UNION ALL
      SELECT target.client_key, 1 AS rows_
      FROM `my-project.conversions.conversion_purchase` AS target
      UNION ALL
      SELECT target.person_key, -1 AS rows_
      FROM `my-project.conversions.conversion_purchase` AS target
      WHERE target.date >= @start_date
      UNION ALL
      SELECT target.client_key, -1 AS rows_
      FROM `my-project.conversions.conversion_purchase` AS target
      WHERE target.date >= @start_date
    ) AS counted
    GROUP BY counted.key
    HAVING SUM(counted.rows_) > 0
  ) AS known
  LEFT JOIN (
    SELECT
      CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(CONCAT('client:', linked.client_id))), 1, 15)) AS INT64) AS client_key,
      CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(CONCAT('user:', linked.user_id))), 1, 15)) AS INT64) AS key
    FROM linked
  ) AS of_user ON of_user.client_key = known.key
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
    LEFT JOIN earlier ON earlier.key = CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(previous.person_id)), 1, 15)) AS INT64)
  ) AS ranked
),
refunds AS (
  -- the same refund sent twice within a minute is one; a refund may be dated before its purchase
  SELECT
    sent.* EXCEPT (sent_before),
    -- one order however often BigQuery evaluates this: refunds of a moment have their numbers for good
    ROW_NUMBER() OVER (
      ORDER BY
        sent.occurred_at, sent.order_id, sent.property, sent.currency, CAST(sent.stated AS STRING),
        TO_JSON_STRING(sent.items)
    ) AS refund
  FROM (
    SELECT
      event.property,
      event.order_id,
      event.occurred_at,
      event.date,
      event.currency,
      event.is_preliminary,
      event.client_id,
      NULLIF(ABS(event.refund_value), 0) AS stated,
      -- an amount of zero, or one that is no number, is never "all of it"
      COALESCE(event.refund_is_zero, event.refund_value = 0, FALSE)
        OR COALESCE(event.value_problem = 'unreadable_value', FALSE) AS has_no_amount,
      ABS(event.value_in_usd) AS dollars,
      event.items,
      LAG(event.occurred_at) OVER (
        PARTITION BY
          event.property, event.order_id, event.currency, CAST(ABS(event.refund_value) AS STRING),
          TO_JSON_STRING(event.items)
        ORDER BY event.occurred_at
      ) AS sent_before
    FROM `my-project.conversions.ga4_events` AS event
    WHERE
      event.event_name = 'refund'
      AND event.order_id IN (SELECT counted.order_id FROM counted)
      AND event.date BETWEEN DATE_SUB(@start_date, INTERVAL 60 DAY) AND DATE_ADD(@end_date, INTERVAL @v_5969f3a995e6 DAY)
  ) AS sent
  WHERE sent.sent_before IS NULL OR TIMESTAMP_DIFF(sent.occurred_at, sent.sent_before, MICROSECOND) > 60000000
),
bought AS (
  -- the products of each purchase; one without a quantity was bought once
  SELECT
    previous.event_key,
    -- GA4 asks for an id or a name
    COALESCE(item.item_id, item.item_name) AS item_id,
    MIN(item.item_id) IS NULL AS is_named,
    -- a name that products of several ids share says of none which it is
    IF(COUNT(*) OVER (PARTITION BY previous.event_key, MIN(item.item_name)) = 1, MIN(item.item_name), NULL) AS item_name,
    MIN(IF(IS_NAN(item.price) OR IS_INF(item.price), NULL, ABS(item.price))) AS price,
    SUM(COALESCE(ABS(item.quantity), 1)) AS quantity
  FROM first_of_person AS previous
  CROSS JOIN UNNEST(previous.items) AS item
  WHERE COALESCE(item.item_id, item.item_name) IS NOT NULL
  GROUP BY previous.event_key, COALESCE(item.item_id, item.item_name)
),
listed AS (
  -- the products that each refund names, whichever sign their numbers have
  SELECT
    refunds.refund,
    COALESCE(item.item_id, item.item_name) AS item_id,
    MIN(item.item_id) IS NULL AS is_named,
    MIN(item.item_name) AS item_name,
    MAX(IF(IS_NAN(item.price) OR IS_INF(item.price), NULL, ABS(item.price))) AS price,
    SUM(COALESCE(ABS(item.quantity), 1)) AS quantity,
    SUM(IF(IS_NAN(item.item_refund) OR IS_INF(item.item_refund), NULL, NULLIF(ABS(item.item_refund), 0))) AS returned
  FROM refunds
  CROSS JOIN UNNEST(refunds.items) AS item
  GROUP BY refunds.refund, COALESCE(item.item_id, item.item_name)
),
returns AS (
  -- what each refund returned of each purchase: its own amount, all that was bought, what its products
  -- state, or its products at their own price, else at that of the purchase; without any everything
  SELECT
    paired.*,
    COALESCE(paired.stated, IF(paired.names_all, NULL, paired.returned)) AS amount,
    -- what is priced by the purchase is money of the purchase, whatever the refund's currency
    IF(paired.stated IS NULL AND NOT paired.names_all, paired.priced_by_purchase, NULL) AS amount_as_paid,
    IF(paired.stated IS NULL, paired.lacking_price, 0) AS unpriced,
    paired.stated IS NULL
      AND (paired.names_all OR (paired.products = 0 AND NOT paired.has_no_amount)) AS is_whole
  FROM (
    SELECT
      previous.event_key,
      refunds.refund,
      refunds.currency,
      refunds.stated,
      refunds.has_no_amount,
      refunds.dollars,
      refunds.is_preliminary,
      COUNT(listed.quantity) AS products,
      SUM(COALESCE(
        listed.returned, listed.price * LEAST(listed.quantity, COALESCE(bought.quantity, listed.quantity))
      )) AS returned,
      SUM(IF(COALESCE(listed.returned, listed.price) IS NULL, bought.price * LEAST(listed.quantity, bought.quantity), NULL))
        AS priced_by_purchase,
      COUNTIF(listed.quantity IS NOT NULL AND COALESCE(listed.returned, listed.price, bought.price) IS NULL) AS lacking_price,
      COUNTIF(listed.quantity >= bought.quantity) > 0
        AND COUNTIF(listed.quantity >= bought.quantity) = MAX(COALESCE(kinds.products, 0))
        -- GA4 states price x quantity of each product that has a price; a shop may return less of one, which amounts of
        -- another currency do not say
        AND COUNTIF(
          COALESCE(refunds.currency = previous.paid_currency, TRUE)
          AND listed.returned < bought.price * bought.quantity - 0.005
        ) = 0 AS names_all
    FROM first_of_person AS previous
    INNER JOIN refunds ON refunds.order_id = previous.order_id AND refunds.property = previous.property
    LEFT JOIN listed ON listed.refund = refunds.refund
    LEFT JOIN bought
      ON bought.event_key = previous.event_key
      -- one of both may know the product by its name alone
      AND (bought.item_id = listed.item_id OR ((bought.is_named OR listed.is_named) AND bought.item_name = listed.item_name))
    LEFT JOIN (
      SELECT bought.event_key, COUNT(*) AS products FROM bought GROUP BY bought.event_key
    ) AS kinds ON kinds.event_key = previous.event_key
    -- a refund counts while its day is at most the window after the day of its purchase
    WHERE refunds.date <= DATE_ADD(DATE(previous.created, @timezone), INTERVAL @v_5969f3a995e6 DAY)
    GROUP BY
      previous.event_key, refunds.refund, refunds.currency, refunds.stated, refunds.has_no_amount, refunds.dollars,
      refunds.is_preliminary
  ) AS paired
),
applied AS (
  -- what was returned of each purchase in all, in its currency
  SELECT
    converted.event_key,
    LOGICAL_OR(converted.is_whole) AS is_whole,
    LOGICAL_OR(COALESCE(converted.is_preliminary, FALSE)) AS is_preliminary,
    LOGICAL_OR(NOT converted.is_whole AND (converted.unpriced > 0 OR converted.amount IS NULL)) AS is_partly_unknown,
    SUM(converted.amount) AS amount
  FROM (
    SELECT
      previous.event_key,
      returns.is_whole,
      returns.is_preliminary,
      returns.unpriced,
      CASE
        WHEN returns.amount IS NULL THEN returns.amount_as_paid
        WHEN returns.currency IS NULL OR returns.currency = previous.paid_currency
          THEN returns.amount + COALESCE(returns.amount_as_paid, 0)
        -- a refund in another currency is converted at the purchase date's rates, else by GA4's own dollars, else by both
        ELSE returns.amount * COALESCE(
          paid_in.rate / bought_in.rate,
          IF(returns.currency = 'USD', 1, SAFE_DIVIDE(returns.dollars, returns.stated)) / IF(previous.paid_currency = 'USD', 1, previous.paid_dollar_rate),
          COALESCE(paid_in.rate, IF(returns.currency = 'USD', 1, SAFE_DIVIDE(returns.dollars, returns.stated)) / own.dollars)
            / COALESCE(bought_in.rate, IF(previous.paid_currency = 'USD', 1, previous.paid_dollar_rate) / own.dollars)
        ) + COALESCE(returns.amount_as_paid, 0)
      END AS amount
    FROM first_of_person AS previous
    INNER JOIN returns ON returns.event_key = previous.event_key
    LEFT JOIN (SELECT day, @v_39903922be50 AS currency, 1.0 AS rate, day AS rate_date
    FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
    UNION ALL
    SELECT dated.day, dated.currency, dated.rate, dated.rate_date
    FROM (
      SELECT day, listed.currency, listed.rate, listed.date AS rate_date
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN `my-project.crm.rates` AS listed
        ON listed.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      -- a rate that was left empty, or is zero, is none: the one before it counts
      WHERE listed.currency <> @v_39903922be50 AND listed.rate > 0
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day, listed.currency ORDER BY listed.date DESC, listed.rate) = 1
    ) AS dated) AS paid_in
      ON paid_in.currency = returns.currency AND paid_in.day = DATE(previous.created, @timezone)
    LEFT JOIN (SELECT day, @v_39903922be50 AS currency, 1.0 AS rate, day AS rate_date
    FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
    UNION ALL
    SELECT dated.day, dated.currency, dated.rate, dated.rate_date
    FROM (
      SELECT day, listed.currency, listed.rate, listed.date AS rate_date
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN `my-project.crm.rates` AS listed
        ON listed.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      -- a rate that was left empty, or is zero, is none: the one before it counts
      WHERE listed.currency <> @v_39903922be50 AND listed.rate > 0
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day, listed.currency ORDER BY listed.date DESC, listed.rate) = 1
    ) AS dated) AS bought_in
      ON bought_in.currency = previous.paid_currency AND bought_in.day = DATE(previous.created, @timezone)
    LEFT JOIN (SELECT of_days.day, of_days.dollars
    FROM (
      SELECT day, known.dollars
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN `my-project.conversions.ga4_rates` AS known ON known.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      WHERE
        known.currency = @v_39903922be50
        AND known.date BETWEEN DATE_SUB(@start_date, INTERVAL 7 DAY) AND @end_date
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day ORDER BY known.date DESC, known.amounts DESC, known.property) = 1
    ) AS of_days) AS own ON own.day = DATE(previous.created, @timezone)
  ) AS converted
  GROUP BY converted.event_key
),
refunded AS (
  -- the candidates, their value lowered by what was returned
  SELECT measured.* EXCEPT (is_refunded, is_full, is_partly_unknown, returned, by_preliminary) REPLACE (
    -- a refund that GA4 may still change makes its purchase wait for the daily table as well
    COALESCE(measured.is_preliminary, FALSE) OR measured.by_preliminary AS is_preliminary,
    measured.returned AS value_refunded,
    COALESCE(measured.value_problem, IF(measured.is_partly_unknown AND NOT measured.is_full, 'unknown_refund', NULL)) AS value_problem,
    measured.net_value - measured.returned AS net_value,
    CASE WHEN NOT measured.is_refunded THEN 'none' WHEN measured.is_full THEN 'full' ELSE 'partial' END AS refund_status,
    COALESCE(measured.removed, IF(measured.is_full, CAST(NULL AS STRING), NULL)) AS removed
  )
  FROM (
    SELECT
      previous.*,
      applied.event_key IS NOT NULL AS is_refunded,
      COALESCE(applied.is_preliminary, FALSE) AS by_preliminary,
      -- sums of cents are off by the last binary digit; a thousandth is the smallest coin of any currency
      COALESCE(applied.is_whole OR ROUND(previous.paid - applied.amount, 3) <= 0, FALSE) AS is_full,
      applied.is_partly_unknown,
      CASE
        WHEN applied.event_key IS NULL THEN 0
        WHEN applied.is_whole OR ROUND(previous.paid - applied.amount, 3) <= 0 THEN previous.value_gross
        -- a manual value shrinks by the share of the price that was returned
        ELSE COALESCE(applied.amount * SAFE_DIVIDE(previous.value_gross, previous.paid), 0)
      END AS returned
    FROM first_of_person AS previous
    LEFT JOIN applied ON applied.event_key = previous.event_key
  ) AS measured
)
SELECT last.* EXCEPT (event_key, property, items, paid, paid_currency, paid_dollar_rate) FROM refunded AS last;

-- step difference
-- @earliest_date DATE = "2026-10-26"
-- @end_date DATE = "2026-11-28"
-- @factor FLOAT64 = null
-- @factor_as_of DATE = null
-- @fence INT64 = 1
-- @now_currency STRING = "EUR"
-- @run_id STRING = "paper"
-- @start_date DATE = "2026-10-26"
-- @timezone STRING = "Europe/Berlin"
-- @unit_value FLOAT64 = null
-- @v_39903922be50 STRING = "EUR"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
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
      END IS NULL AND DATE(c.created, @timezone) BETWEEN @start_date AND @end_date
            ORDER BY c.created DESC, c.client_id, c.value_gross, c.currency, c.user_id, c.lead_id, TO_JSON_STRING(c.params)
          ) > 1,
          'duplicate_id', NULL
        )
      ),
      -- kinds that remove duplicates have judged each row before
      IF(c.removed IN UNNEST(@v_af3343713b33), c.removed, NULL)
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
      SELECT history.id FROM `my-project.conversions.conversion_purchase` AS history WHERE history.date BETWEEN DATE_SUB(@start_date, INTERVAL 2 DAY) AND DATE_ADD(@end_date, INTERVAL 2 DAY) AND NOT (history.date BETWEEN @start_date AND @end_date)
    )
    AND COALESCE(TO_HEX(SHA256(judged.`id`)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(TO_HEX(SHA256(judged.`client_id`)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(TO_HEX(SHA256(judged.`user_id`)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(TO_HEX(SHA256(judged.`lead_id`)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(
      IF(
        REGEXP_CONTAINS(judged.`email`, r'^\s*[0-9a-fA-F]{64}\s*$'),
        LOWER(TRIM(judged.`email`)),
        TO_HEX(SHA256(LOWER(TRIM(judged.`email`))))
      ),
      ''
    ) NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(
      IF(
        REGEXP_CONTAINS(judged.`phone`, r'^\s*[0-9a-fA-F]{64}\s*$'),
        LOWER(TRIM(judged.`phone`)),
        TO_HEX(SHA256(REGEXP_REPLACE(REGEXP_REPLACE(judged.`phone`, r'[^0-9]', ''), r'^00', '')))
      ),
      ''
    ) NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND judged.id NOT IN (
      SELECT named.id
      FROM judged AS named
      -- while nobody was erased no text is looked at
      JOIN (SELECT COUNT(*) AS hashes FROM `my-project.conversions.erasures`) AS forgotten ON forgotten.hashes > 0
      CROSS JOIN UNNEST(ARRAY_CONCAT(
        [STRUCT('page' AS key, named.page_location AS text)],
        ARRAY(
          SELECT AS STRUCT parameter.key, parameter.value AS text
          FROM UNNEST(named.params) AS parameter
        )
      )) AS told
      CROSS JOIN UNNEST(ARRAY_CONCAT([told.text], REGEXP_EXTRACT_ALL(REGEXP_REPLACE(told.text, r'%40', '@'), r'[^\s?&=#/;,<>()"]{1,}'))) AS word
      WHERE named.id IS NOT NULL AND (
        LENGTH(word) >= 6
        OR (word = told.text AND REGEXP_CONTAINS(told.key, r'(?i)user|customer|client|lead|contact|member|account|person|subscriber|visitor'))
      ) AND NOT (
    COALESCE(TO_HEX(SHA256(word)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(
      IF(
        REGEXP_CONTAINS(word, r'^\s*[0-9a-fA-F]{64}\s*$'),
        LOWER(TRIM(word)),
        TO_HEX(SHA256(LOWER(TRIM(word))))
      ),
      ''
    ) NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(TO_HEX(SHA256(IF(
      -- few words have so many digits, and to take the others out of a word costs more than the rest
      REGEXP_CONTAINS(word, r'(?:[0-9][^0-9]*){7,}'),
      REGEXP_EXTRACT(
        REGEXP_REPLACE(word, r'%[0-9A-Fa-f]{2}|[^0-9]', ''), r'^(?:00)?([0-9]{7,})$'
      ),
      NULL
    ))), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
      )
    )
),
visitors AS (
  -- whose visits may lend something
  SELECT kept.id, kept.client_id, kept.created FROM kept
),
clicks AS (
  -- the last click of each platform before the row
  SELECT
    chosen.id,
    MAX(chosen.clicked_at) AS click_at,
    MAX(IF(chosen.platform = 'google', chosen.clicked_at, NULL)) AS google_click_at,
    MAX(IF(chosen.kind = 'gclid', chosen.value, NULL)) AS gclid,
    MAX(IF(chosen.kind = 'gbraid', chosen.value, NULL)) AS gbraid,
    MAX(IF(chosen.kind = 'wbraid', chosen.value, NULL)) AS wbraid,
    MAX(IF(chosen.platform = 'cm360', chosen.clicked_at, NULL)) AS cm360_click_at,
    MAX(IF(chosen.kind = 'dclid', chosen.value, NULL)) AS dclid,
    MAX(IF(chosen.platform = 'meta', chosen.clicked_at, NULL)) AS meta_click_at,
    MAX(IF(chosen.kind = 'fbclid', chosen.value, NULL)) AS fbclid,
    MAX(IF(chosen.platform = 'microsoft', chosen.clicked_at, NULL)) AS microsoft_click_at,
    MAX(IF(chosen.kind = 'msclkid', chosen.value, NULL)) AS msclkid,
    MAX(IF(chosen.platform = 'tiktok', chosen.clicked_at, NULL)) AS tiktok_click_at,
    MAX(IF(chosen.kind = 'ttclid', chosen.value, NULL)) AS ttclid,
    MAX(IF(chosen.platform = 'linkedin', chosen.clicked_at, NULL)) AS linkedin_click_at,
    MAX(IF(chosen.kind = 'li_fat_id', chosen.value, NULL)) AS li_fat_id
  FROM (
    SELECT dated.id, dated.kind, dated.value, dated.clicked_at, dated.platform
    FROM (
      SELECT
        sight.id,
        sight.created,
        sight.kind,
        sight.value,
        CASE WHEN sight.kind IN ('gclid', 'gbraid', 'wbraid') THEN 'google' WHEN sight.kind IN ('dclid') THEN 'cm360' WHEN sight.kind IN ('fbclid') THEN 'meta' WHEN sight.kind IN ('msclkid') THEN 'microsoft' WHEN sight.kind IN ('ttclid') THEN 'tiktok' WHEN sight.kind IN ('li_fat_id') THEN 'linkedin' END AS platform,
        CASE WHEN sight.kind IN ('gclid', 'gbraid', 'wbraid') THEN 90 WHEN sight.kind IN ('dclid') THEN 90 WHEN sight.kind IN ('fbclid') THEN 90 WHEN sight.kind IN ('msclkid') THEN 90 WHEN sight.kind IN ('ttclid') THEN 28 WHEN sight.kind IN ('li_fat_id') THEN 90 END AS days,
        MIN(sight.clicked_at) AS clicked_at
      FROM (
        SELECT visitors.id, visitors.created, click.kind, click.value, click.clicked_at
        FROM visitors
        INNER JOIN `my-project.conversions_staging.clicks_fbdd79193146f1f33836_20261128` AS click ON click.client_id = visitors.client_id
        WHERE
          click.date BETWEEN DATE_SUB(@earliest_date, INTERVAL 91 DAY) AND @end_date
          AND click.last_date BETWEEN @earliest_date AND @end_date
          AND click.kind IN ('gclid', 'gbraid', 'wbraid', 'dclid', 'fbclid', 'msclkid', 'ttclid', 'li_fat_id')
          AND click.clicked_at <= visitors.created
      ) AS sight
      GROUP BY sight.id, sight.created, sight.kind, sight.value
    ) AS dated
    WHERE UNIX_MICROS(dated.created) - UNIX_MICROS(dated.clicked_at) < dated.days * 86400000000
    QUALIFY RANK() OVER (PARTITION BY dated.id, dated.platform ORDER BY dated.clicked_at DESC) = 1
  ) AS chosen
  GROUP BY chosen.id
),
visits AS (
  -- the client's last visit of the 90 days before, whole
  SELECT
    visitors.id,
    visit.session_id,
    visit.landing_page AS page_location,
    visit.source,
    visit.medium,
    visit.campaign,
    visit.channel_group
  FROM visitors
  INNER JOIN (
    SELECT
      CAST(NULL AS STRING) AS client_id,
      CAST(NULL AS DATE) AS date,
      CAST(NULL AS TIMESTAMP) AS started_at,
      CAST(NULL AS STRING) AS session_id,
      CAST(NULL AS STRING) AS landing_page,
      CAST(NULL AS STRING) AS source,
      CAST(NULL AS STRING) AS medium,
      CAST(NULL AS STRING) AS campaign,
      CAST(NULL AS STRING) AS channel_group
    FROM (SELECT 1)
    WHERE FALSE
  ) AS visit ON visit.client_id = visitors.client_id
  WHERE
    visit.date BETWEEN DATE_SUB(@earliest_date, INTERVAL 91 DAY) AND @end_date
    AND visit.started_at <= visitors.created
    AND visit.started_at > TIMESTAMP_SUB(visitors.created, INTERVAL 2160 HOUR)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY visitors.id ORDER BY visit.started_at DESC, visit.session_id DESC) = 1
),
known AS (
  -- what clicks and visits lend each row
  SELECT visitors.id, clicks.* EXCEPT (id), visits.* EXCEPT (id)
  FROM visitors
  LEFT JOIN clicks ON clicks.id = visitors.id
  LEFT JOIN visits ON visits.id = visitors.id
),
valued AS (
  -- the candidates with what visits lend, worth in their own currency and in the project's
  SELECT
    kept.* EXCEPT (removed, reason, net_value) REPLACE (
      COALESCE(kept.click_at, known.click_at) AS click_at, IF(COALESCE(kept.gclid, kept.gbraid, kept.wbraid) IS NULL, known.google_click_at, COALESCE(kept.google_click_at, kept.click_at)) AS google_click_at, IF(COALESCE(kept.gclid, kept.gbraid, kept.wbraid) IS NULL, known.gclid, kept.gclid) AS gclid, IF(COALESCE(kept.gclid, kept.gbraid, kept.wbraid) IS NULL, known.gbraid, kept.gbraid) AS gbraid, IF(COALESCE(kept.gclid, kept.gbraid, kept.wbraid) IS NULL, known.wbraid, kept.wbraid) AS wbraid, IF(COALESCE(kept.dclid) IS NULL, known.cm360_click_at, COALESCE(kept.cm360_click_at, kept.click_at)) AS cm360_click_at, IF(COALESCE(kept.dclid) IS NULL, known.dclid, kept.dclid) AS dclid, IF(COALESCE(kept.fbclid) IS NULL, known.meta_click_at, COALESCE(kept.meta_click_at, kept.click_at)) AS meta_click_at, IF(COALESCE(kept.fbclid) IS NULL, known.fbclid, kept.fbclid) AS fbclid, IF(COALESCE(kept.msclkid) IS NULL, known.microsoft_click_at, COALESCE(kept.microsoft_click_at, kept.click_at)) AS microsoft_click_at, IF(COALESCE(kept.msclkid) IS NULL, known.msclkid, kept.msclkid) AS msclkid, IF(COALESCE(kept.ttclid) IS NULL, known.tiktok_click_at, COALESCE(kept.tiktok_click_at, kept.click_at)) AS tiktok_click_at, IF(COALESCE(kept.ttclid) IS NULL, known.ttclid, kept.ttclid) AS ttclid, IF(COALESCE(kept.li_fat_id) IS NULL, known.linkedin_click_at, COALESCE(kept.linkedin_click_at, kept.click_at)) AS linkedin_click_at, IF(COALESCE(kept.li_fat_id) IS NULL, known.li_fat_id, kept.li_fat_id) AS li_fat_id, IF(COALESCE(kept.source, kept.medium, kept.campaign, kept.channel_group) IS NULL, known.source, kept.source) AS source, IF(COALESCE(kept.source, kept.medium, kept.campaign, kept.channel_group) IS NULL, known.medium, kept.medium) AS medium, IF(COALESCE(kept.source, kept.medium, kept.campaign, kept.channel_group) IS NULL, known.campaign, kept.campaign) AS campaign, IF(COALESCE(kept.source, kept.medium, kept.campaign, kept.channel_group) IS NULL, known.channel_group, kept.channel_group) AS channel_group, IF(COALESCE(kept.session_id) IS NULL, known.session_id, kept.session_id) AS session_id, IF(COALESCE(kept.page_location) IS NULL, known.page_location, kept.page_location) AS page_location,
      IF(@unit_value IS NULL, kept.currency, @now_currency) AS currency,
      IF(@unit_value IS NULL, kept.value_kind, 'normalized') AS value_kind
    ),
    COALESCE(@unit_value, kept.net_value * COALESCE(@factor, 1)) AS value,
    COALESCE(
      @unit_value,
      kept.net_value * COALESCE(@factor, 1) * COALESCE(rates.rate, CASE WHEN kept.currency = 'USD' THEN 1 WHEN kept.currency IS NOT NULL THEN kept.dollar_rate END / own.dollars),
      -- nothing is nothing in any currency, and a free order has no rate of its own
      IF(kept.net_value = 0 AND kept.currency IS NOT NULL, 0, NULL)
    ) AS value_project,
    IF(@unit_value IS NOT NULL, 1, COALESCE(rates.rate, CASE WHEN kept.currency = 'USD' THEN 1 WHEN kept.currency IS NOT NULL THEN kept.dollar_rate END / own.dollars)) AS exchange_rate,
    IF(rates.rate IS NULL AND COALESCE(rates.rate, CASE WHEN kept.currency = 'USD' THEN 1 WHEN kept.currency IS NOT NULL THEN kept.dollar_rate END / own.dollars) IS NOT NULL, kept.date, rates.rate_date) AS exchange_date,
    CASE
      WHEN kept.currency = @now_currency OR @unit_value IS NOT NULL THEN 'own'
      WHEN rates.rate IS NOT NULL THEN 'table'
      WHEN COALESCE(rates.rate, CASE WHEN kept.currency = 'USD' THEN 1 WHEN kept.currency IS NOT NULL THEN kept.dollar_rate END / own.dollars) IS NOT NULL THEN 'export'
    END AS rate_source,
    @factor AS normalization_factor,
    @factor_as_of AS normalization_as_of
  FROM kept
  LEFT JOIN known ON known.id = kept.id
  LEFT JOIN (SELECT day, @v_39903922be50 AS currency, 1.0 AS rate, day AS rate_date
    FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
    UNION ALL
    SELECT dated.day, dated.currency, dated.rate, dated.rate_date
    FROM (
      SELECT day, listed.currency, listed.rate, listed.date AS rate_date
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN `my-project.crm.rates` AS listed
        ON listed.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      -- a rate that was left empty, or is zero, is none: the one before it counts
      WHERE listed.currency <> @v_39903922be50 AND listed.rate > 0
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day, listed.currency ORDER BY listed.date DESC, listed.rate) = 1
    ) AS dated) AS rates ON rates.day = kept.date AND rates.currency = kept.currency
  LEFT JOIN (SELECT of_days.day, of_days.dollars
    FROM (
      SELECT day, known.dollars
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN `my-project.conversions.ga4_rates` AS known ON known.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      WHERE
        known.currency = @v_39903922be50
        AND known.date BETWEEN DATE_SUB(@start_date, INTERVAL 7 DAY) AND @end_date
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day ORDER BY known.date DESC, known.amounts DESC, known.property) = 1
    ) AS of_days) AS own ON own.day = kept.date
),
wanted AS (
  -- what the window should hold
  SELECT valued.id, valued.client_id, valued.created, valued.date, valued.value, valued.currency, valued.is_qualified, valued.params, valued.user_id, valued.lead_id, valued.person_id, valued.value_gross, valued.value_refunded, valued.refund_status, valued.value_kind, valued.value_problem, valued.value_project, valued.exchange_rate, valued.exchange_date, valued.dollar_rate, valued.rate_source, valued.is_preliminary, valued.normalization_factor, valued.normalization_as_of, valued.component, valued.gclid, valued.gbraid, valued.wbraid, valued.dclid, valued.fbc, valued.fbclid, valued.fbp, valued.msclkid, valued.ttclid, valued.ttp, valued.li_fat_id, valued.click_at, valued.google_click_at, valued.cm360_click_at, valued.meta_click_at, valued.microsoft_click_at, valued.tiktok_click_at, valued.linkedin_click_at, valued.session_id, valued.source, valued.medium, valued.campaign, valued.channel_group, valued.page_location, valued.user_agent, valued.ip_address, valued.country, valued.region, valued.city, valued.postal_code, valued.email, valued.phone, valued.first_name, valued.last_name, valued.order_id, valued.event_source, valued.consent_ad_user_data, valued.consent_ad_personalization FROM valued
),
fresh AS (
  -- the same with a fingerprint of each row
  SELECT spelled.* EXCEPT (row_text), CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(spelled.row_text)), 1, 15)) AS INT64) AS row_hash
  FROM (SELECT wanted.*, ARRAY_TO_STRING([wanted.id, wanted.client_id, CAST(wanted.created AS STRING), CAST(wanted.date AS STRING), CAST(wanted.value AS STRING), wanted.currency, CAST(wanted.is_qualified AS STRING), TO_JSON_STRING(wanted.params), wanted.user_id, wanted.lead_id, wanted.person_id, CAST(wanted.value_gross AS STRING), CAST(wanted.value_refunded AS STRING), wanted.refund_status, wanted.value_kind, wanted.value_problem, CAST(wanted.value_project AS STRING), CAST(wanted.exchange_rate AS STRING), CAST(wanted.exchange_date AS STRING), CAST(wanted.dollar_rate AS STRING), wanted.rate_source, CAST(wanted.is_preliminary AS STRING), CAST(wanted.normalization_factor AS STRING), wanted.component, wanted.gclid, wanted.gbraid, wanted.wbraid, wanted.dclid, wanted.fbc, wanted.fbclid, wanted.fbp, wanted.msclkid, wanted.ttclid, wanted.ttp, wanted.li_fat_id, CAST(wanted.click_at AS STRING), CAST(wanted.google_click_at AS STRING), CAST(wanted.cm360_click_at AS STRING), CAST(wanted.meta_click_at AS STRING), CAST(wanted.microsoft_click_at AS STRING), CAST(wanted.tiktok_click_at AS STRING), CAST(wanted.linkedin_click_at AS STRING), wanted.session_id, wanted.source, wanted.medium, wanted.campaign, wanted.channel_group, wanted.page_location, wanted.user_agent, wanted.ip_address, wanted.country, wanted.region, wanted.city, wanted.postal_code, wanted.email, wanted.phone, wanted.first_name, wanted.last_name, wanted.order_id, wanted.event_source, wanted.consent_ad_user_data, wanted.consent_ad_personalization], CHR(31), CHR(30)) AS row_text FROM wanted) AS spelled
),
present AS (
  -- what the window holds
  SELECT target.date, target.row_hash, target.first_seen_at, target.definition_version, target.id, target.client_id, target.user_id, target.lead_id, target.created, target.value, target.currency, target.is_qualified, target.value_gross, target.value_refunded, target.refund_status, target.value_kind, target.value_project, target.normalization_factor, target.component, target.order_id
  FROM `my-project.conversions.conversion_purchase` AS target
  WHERE target.date BETWEEN @earliest_date AND @end_date
)
SELECT
  COALESCE(fresh.id, present.id) AS id,
  COALESCE(fresh.date, present.date) AS date,
  fresh.client_id, fresh.created, fresh.value, fresh.currency, fresh.is_qualified, fresh.params, fresh.user_id, fresh.lead_id, fresh.person_id, fresh.value_gross, fresh.value_refunded, fresh.refund_status, fresh.value_kind, fresh.value_problem, fresh.value_project, fresh.exchange_rate, fresh.exchange_date, fresh.dollar_rate, fresh.rate_source, fresh.is_preliminary, fresh.normalization_factor, fresh.normalization_as_of, fresh.component, fresh.gclid, fresh.gbraid, fresh.wbraid, fresh.dclid, fresh.fbc, fresh.fbclid, fresh.fbp, fresh.msclkid, fresh.ttclid, fresh.ttp, fresh.li_fat_id, fresh.click_at, fresh.google_click_at, fresh.cm360_click_at, fresh.meta_click_at, fresh.microsoft_click_at, fresh.tiktok_click_at, fresh.linkedin_click_at, fresh.session_id, fresh.source, fresh.medium, fresh.campaign, fresh.channel_group, fresh.page_location, fresh.user_agent, fresh.ip_address, fresh.country, fresh.region, fresh.city, fresh.postal_code, fresh.email, fresh.phone, fresh.first_name, fresh.last_name, fresh.order_id, fresh.event_source, fresh.consent_ad_user_data, fresh.consent_ad_personalization,
  CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(COALESCE(IF(STARTS_WITH(fresh.person_id, 'user:'), fresh.person_id, NULL), CONCAT('client:', fresh.client_id), ''))), 1, 15)) AS INT64) AS person_key,
  CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(IF(STARTS_WITH(fresh.person_id, 'user:') AND NOT COALESCE(fresh.person_id = CONCAT('user:', fresh.user_id), FALSE), CONCAT('client:', fresh.client_id), NULL))), 1, 15)) AS INT64) AS client_key,
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
  IF(present.id IS NULL, NULL, STRUCT(present.id, present.client_id, present.user_id, present.lead_id, present.created, present.value, present.currency, present.is_qualified, present.value_gross, present.value_refunded, present.refund_status, present.value_kind, present.value_project, present.normalization_factor, present.component, present.order_id)) AS old_row
FROM fresh
FULL OUTER JOIN present ON present.id = fresh.id
WHERE fresh.id IS NULL OR present.id IS NULL OR fresh.row_hash <> present.row_hash;

-- step with
-- @closed_date DATE = "2026-11-28"
-- @end_date DATE = "2026-11-28"
-- @recent_end DATE = "2026-11-28"
-- @recent_start DATE = "2026-10-30"
-- @start_date DATE = "2026-10-26"
-- @timezone STRING = "Europe/Berlin"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
WITH
changes AS (
  -- what the write would do, and on which days
  SELECT
    COUNTIF(d.change = 'insert') AS inserted,
    COUNTIF(d.change = 'update') AS updated,
    COUNTIF(d.change = 'delete') AS deleted,
    MIN(LEAST(d.date, COALESCE(d.old_date, d.date))) AS first_changed,
    MAX(GREATEST(d.date, COALESCE(d.old_date, d.date))) AS last_changed,
    COUNTIF(d.is_moved) AS moved_rows,
    SUM(IF(d.is_moved, d.new_value_project - d.old_value_project, NULL)) AS moved_value
  FROM (
    SELECT
      d.change,
      d.date,
      d.old_date,
      d.old_value_project,
      d.new_value_project,
      -- rows whose value moves though neither a refund nor a factor did; new rows move nothing
      d.change <> 'insert'
      AND d.date BETWEEN @start_date AND @end_date
      AND d.old_value_project <> d.new_value_project
      AND (d.change = 'delete' OR NOT (d.is_refunded OR d.is_rescaled))
    AND d.id NOT IN (SELECT c.id FROM `my-project.conversions_staging.purchase_1_candidates` AS c WHERE c.removed = 'fully_refunded' AND c.id IS NOT NULL) AS is_moved
    FROM (
      SELECT
        changed.id,
        changed.date,
        changed.old_date,
        changed.change,
        changed.old_row.value_project AS old_value_project,
        IF(changed.change = 'delete', 0, COALESCE(changed.value_project, 0)) AS new_value_project,
        COALESCE(changed.value_refunded, 0) <> COALESCE(changed.old_refunded, 0) AS is_refunded,
        COALESCE(changed.normalization_factor, 1) <> COALESCE(changed.old_factor, 1) AS is_rescaled
      FROM `my-project.conversions_staging.purchase_1_difference` AS changed
    ) AS d
  ) AS d
),
known AS (
  -- the rows of the window and of the weeks before: those that stand, and those that the write leaves
  SELECT
    target.date, target.value, target.value_project, target.currency, target.value_problem, target.refund_status,
    target.value_refunded,
    TRUE AS stands,
    target.id NOT IN (SELECT d.id FROM `my-project.conversions_staging.purchase_1_difference` AS d WHERE d.change <> 'insert') AS stays
  FROM `my-project.conversions.conversion_purchase` AS target
  WHERE target.date BETWEEN LEAST(@start_date, DATE_SUB(@closed_date, INTERVAL 29 DAY), @recent_start) AND @end_date
  UNION ALL
  SELECT
    d.date, d.value, d.value_project, d.currency, d.value_problem, d.refund_status, d.value_refunded,
    FALSE AS stands,
    TRUE AS stays
  FROM `my-project.conversions_staging.purchase_1_difference` AS d
  WHERE d.change <> 'delete'
),
day AS (
  -- conversions and value of each recent day: for the list of conversions, and up to the last closed one to judge it
  SELECT rows_.date, COUNT(*) AS conversions, SUM(rows_.value_project) AS value
  FROM (
    SELECT known.date, known.value_project
    FROM known
    WHERE known.stays AND known.date BETWEEN LEAST(@recent_start, DATE_SUB(@closed_date, INTERVAL 29 DAY)) AND @recent_end
    UNION ALL
    SELECT later.date, later.value_project
    FROM `my-project.conversions.conversion_purchase` AS later
    WHERE later.date BETWEEN GREATEST(@recent_start, DATE_ADD(@end_date, INTERVAL 1 DAY)) AND @recent_end
  ) AS rows_
  GROUP BY rows_.date
),
totals AS (
  -- what a person should know of the window
  SELECT
    COUNTIF(known.stands AND known.date >= @start_date) AS before,
    SUM(IF(known.stands AND known.date >= @start_date, known.value_project, NULL)) AS value_before,
    COUNTIF(
      known.stands AND known.date < @closed_date AND MOD(DATE_DIFF(@closed_date, known.date, DAY), 7) = 0
      AND known.date >= DATE_SUB(@closed_date, INTERVAL 28 DAY)
    ) / 4 AS usual_before_write,
    SUM(IF(known.stays AND known.date >= @start_date, known.value_project, NULL)) AS total,
    COUNTIF(
      known.stays AND known.date >= @start_date AND known.value IS NOT NULL AND known.value_project IS NULL
      AND known.currency IS NOT NULL
    ) AS without_rate,
    COUNTIF(
      known.stays AND known.date >= @start_date AND known.value_problem IN ('unreadable_value', 'negative_value', 'unknown_unit')
    ) AS bad_values,
    COUNTIF(known.stays AND known.date >= @start_date AND known.value_problem = 'unreadable_currency') AS bad_currencies,
    COUNTIF(
      known.stays AND known.date >= @start_date
      AND (known.value_problem = 'unknown_refund' OR (known.refund_status = 'partial' AND known.value_refunded = 0))
    ) AS unknown_refunds,
    ARRAY_AGG(
      DISTINCT IF(
        known.stays AND known.date >= @start_date AND known.value IS NOT NULL AND known.value_project IS NULL,
        known.currency, NULL
      ) IGNORE NULLS
    ) AS currencies
  FROM known
)
SELECT
  changes.inserted, changes.updated, changes.deleted, changes.first_changed, changes.last_changed,
  changes.moved_rows, changes.moved_value,
  totals.before, totals.value_before, totals.usual_before_write,
  totals.total, totals.without_rate, totals.bad_values, totals.bad_currencies, totals.unknown_refunds, totals.currencies,
  ARRAY(SELECT AS STRUCT day.date, day.conversions, day.value FROM day ORDER BY day.date) AS recent,
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
      END IS NULL AND DATE(c.created, @timezone) BETWEEN @start_date AND @end_date
            ORDER BY c.created DESC, c.client_id, c.value_gross, c.currency, c.user_id, c.lead_id, TO_JSON_STRING(c.params)
          ) > 1,
          'duplicate_id', NULL
        )
      ),
      -- kinds that remove duplicates have judged each row before
      IF(c.removed IN UNNEST(@v_af3343713b33), c.removed, NULL)
    ) AS reason
      FROM `my-project.conversions_staging.purchase_1_candidates` AS c
    ) AS judged
    GROUP BY judged.removed, judged.reason
  ) AS judged
FROM changes
CROSS JOIN totals;

-- step merge_conversion_purchase
-- @first_date DATE = "2026-10-29"
-- @last_date DATE = "2026-11-28"
MERGE INTO `my-project.conversions.conversion_purchase` AS target
USING (
  SELECT d.*
  FROM `my-project.conversions_staging.purchase_1_difference` AS d
) AS source
ON
  target.`id` = source.`id`
  -- a row that is new finds itself where a write before this one has brought it already
  AND target.date = COALESCE(source.old_date, source.date)
  AND target.date BETWEEN @first_date AND @last_date
WHEN MATCHED AND source.change = 'delete' THEN DELETE
WHEN MATCHED THEN UPDATE SET `id` = source.`id`, `client_id` = source.`client_id`, `created` = source.`created`, `date` = source.`date`, `value` = source.`value`, `currency` = source.`currency`, `is_qualified` = source.`is_qualified`, `params` = source.`params`, `user_id` = source.`user_id`, `lead_id` = source.`lead_id`, `person_id` = source.`person_id`, `value_gross` = source.`value_gross`, `value_refunded` = source.`value_refunded`, `refund_status` = source.`refund_status`, `value_kind` = source.`value_kind`, `value_problem` = source.`value_problem`, `value_project` = source.`value_project`, `exchange_rate` = source.`exchange_rate`, `exchange_date` = source.`exchange_date`, `dollar_rate` = source.`dollar_rate`, `rate_source` = source.`rate_source`, `is_preliminary` = source.`is_preliminary`, `normalization_factor` = source.`normalization_factor`, `normalization_as_of` = source.`normalization_as_of`, `component` = source.`component`, `gclid` = source.`gclid`, `gbraid` = source.`gbraid`, `wbraid` = source.`wbraid`, `dclid` = source.`dclid`, `fbc` = source.`fbc`, `fbclid` = source.`fbclid`, `fbp` = source.`fbp`, `msclkid` = source.`msclkid`, `ttclid` = source.`ttclid`, `ttp` = source.`ttp`, `li_fat_id` = source.`li_fat_id`, `click_at` = source.`click_at`, `google_click_at` = source.`google_click_at`, `cm360_click_at` = source.`cm360_click_at`, `meta_click_at` = source.`meta_click_at`, `microsoft_click_at` = source.`microsoft_click_at`, `tiktok_click_at` = source.`tiktok_click_at`, `linkedin_click_at` = source.`linkedin_click_at`, `session_id` = source.`session_id`, `source` = source.`source`, `medium` = source.`medium`, `campaign` = source.`campaign`, `channel_group` = source.`channel_group`, `page_location` = source.`page_location`, `user_agent` = source.`user_agent`, `ip_address` = source.`ip_address`, `country` = source.`country`, `region` = source.`region`, `city` = source.`city`, `postal_code` = source.`postal_code`, `email` = source.`email`, `phone` = source.`phone`, `first_name` = source.`first_name`, `last_name` = source.`last_name`, `order_id` = source.`order_id`, `event_source` = source.`event_source`, `consent_ad_user_data` = source.`consent_ad_user_data`, `consent_ad_personalization` = source.`consent_ad_personalization`, `person_key` = source.`person_key`, `client_key` = source.`client_key`, `definition_version` = source.`definition_version`, `run_id` = source.`run_id`, `fence` = source.`fence`, `row_hash` = source.`row_hash`, `first_seen_at` = source.`first_seen_at`, `updated_at` = source.`updated_at`
WHEN NOT MATCHED AND source.change = 'insert' THEN INSERT (`id`, `client_id`, `created`, `date`, `value`, `currency`, `is_qualified`, `params`, `user_id`, `lead_id`, `person_id`, `value_gross`, `value_refunded`, `refund_status`, `value_kind`, `value_problem`, `value_project`, `exchange_rate`, `exchange_date`, `dollar_rate`, `rate_source`, `is_preliminary`, `normalization_factor`, `normalization_as_of`, `component`, `gclid`, `gbraid`, `wbraid`, `dclid`, `fbc`, `fbclid`, `fbp`, `msclkid`, `ttclid`, `ttp`, `li_fat_id`, `click_at`, `google_click_at`, `cm360_click_at`, `meta_click_at`, `microsoft_click_at`, `tiktok_click_at`, `linkedin_click_at`, `session_id`, `source`, `medium`, `campaign`, `channel_group`, `page_location`, `user_agent`, `ip_address`, `country`, `region`, `city`, `postal_code`, `email`, `phone`, `first_name`, `last_name`, `order_id`, `event_source`, `consent_ad_user_data`, `consent_ad_personalization`, `person_key`, `client_key`, `definition_version`, `run_id`, `fence`, `row_hash`, `first_seen_at`, `updated_at`) VALUES (source.`id`, source.`client_id`, source.`created`, source.`date`, source.`value`, source.`currency`, source.`is_qualified`, source.`params`, source.`user_id`, source.`lead_id`, source.`person_id`, source.`value_gross`, source.`value_refunded`, source.`refund_status`, source.`value_kind`, source.`value_problem`, source.`value_project`, source.`exchange_rate`, source.`exchange_date`, source.`dollar_rate`, source.`rate_source`, source.`is_preliminary`, source.`normalization_factor`, source.`normalization_as_of`, source.`component`, source.`gclid`, source.`gbraid`, source.`wbraid`, source.`dclid`, source.`fbc`, source.`fbclid`, source.`fbp`, source.`msclkid`, source.`ttclid`, source.`ttp`, source.`li_fat_id`, source.`click_at`, source.`google_click_at`, source.`cm360_click_at`, source.`meta_click_at`, source.`microsoft_click_at`, source.`tiktok_click_at`, source.`linkedin_click_at`, source.`session_id`, source.`source`, source.`medium`, source.`campaign`, source.`channel_group`, source.`page_location`, source.`user_agent`, source.`ip_address`, source.`country`, source.`region`, source.`city`, source.`postal_code`, source.`email`, source.`phone`, source.`first_name`, source.`last_name`, source.`order_id`, source.`event_source`, source.`consent_ad_user_data`, source.`consent_ad_personalization`, source.`person_key`, source.`client_key`, source.`definition_version`, source.`run_id`, source.`fence`, source.`row_hash`, source.`first_seen_at`, source.`updated_at`);

-- step insert_conversion_changes
-- @definition_id STRING = "purchase"
-- @end_date DATE = "2026-11-28"
-- @fence INT64 = 1
-- @is_edited BOOL = true
-- @is_first BOOL = false
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
  IF(d.change = 'insert', NULL, TO_JSON_STRING(STRUCT(d.old_row.id AS id, d.old_row.client_id AS client_id, d.old_row.user_id AS user_id, d.old_row.lead_id AS lead_id, d.old_row.created AS created, d.old_row.value AS value, d.old_row.currency AS currency, d.old_row.is_qualified AS is_qualified, d.old_row.value_gross AS value_gross, d.old_row.value_refunded AS value_refunded, d.old_row.refund_status AS refund_status, d.old_row.value_kind AS value_kind, d.old_row.value_project AS value_project, d.old_row.normalization_factor AS normalization_factor, d.old_row.component AS component, d.old_row.order_id AS order_id))) AS old_row,
  IF(d.change = 'delete', NULL, TO_JSON_STRING(STRUCT(d.id, d.client_id, d.user_id, d.lead_id, d.created, d.value, d.currency, d.is_qualified, d.value_gross, d.value_refunded, d.refund_status, d.value_kind, d.value_project, d.normalization_factor, d.component, d.order_id))) AS new_row
FROM `my-project.conversions_staging.purchase_1_difference` AS d;

-- step truncate
TRUNCATE TABLE `my-project.conversions_staging.purchase_1_difference`;
