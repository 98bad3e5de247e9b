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
  IF(REGEXP_CONTAINS(CAST(answer.`client_id` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`client_id` AS STRING))) AS client_id,
  CAST(answer.`created` AS TIMESTAMP) AS created,
  IF(COALESCE(UPPER(IF(REGEXP_CONTAINS(CAST(answer.`currency` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`currency` AS STRING)))), @v_39903922be50) IN UNNEST(@v_6989d769791f), COALESCE(UPPER(IF(REGEXP_CONTAINS(CAST(answer.`currency` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`currency` AS STRING)))), @v_39903922be50), NULL) AS currency,
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
  IF(REGEXP_CONTAINS(CAST(answer.`user_id` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`user_id` AS STRING))) AS user_id,
  IF(REGEXP_CONTAINS(CAST(answer.`lead_id` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`lead_id` AS STRING))) AS lead_id,
  CAST(NULL AS STRING) AS person_id,
  IF(CAST(answer.`value` AS FLOAT64) < 0 OR IS_NAN(CAST(answer.`value` AS FLOAT64)) OR IS_INF(CAST(answer.`value` AS FLOAT64)), NULL, CAST(answer.`value` AS FLOAT64)) AS value_gross,
  CAST(NULL AS FLOAT64) AS value_refunded,
  CAST(NULL AS STRING) AS refund_status,
  IF(IF(CAST(answer.`value` AS FLOAT64) < 0 OR IS_NAN(CAST(answer.`value` AS FLOAT64)) OR IS_INF(CAST(answer.`value` AS FLOAT64)), NULL, CAST(answer.`value` AS FLOAT64)) IS NULL, 'none', 'actual') AS value_kind,
  CASE WHEN CAST(answer.`value` AS FLOAT64) < 0 THEN 'negative_value' WHEN IS_NAN(CAST(answer.`value` AS FLOAT64)) OR IS_INF(CAST(answer.`value` AS FLOAT64)) THEN 'unreadable_value' WHEN COALESCE(UPPER(IF(REGEXP_CONTAINS(CAST(answer.`currency` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`currency` AS STRING)))), @v_39903922be50) NOT IN UNNEST(@v_6989d769791f) THEN 'unreadable_currency' END AS value_problem,
  CAST(NULL AS FLOAT64) AS dollar_rate,
  CAST(NULL AS BOOL) AS is_preliminary,
  CAST(NULL AS STRING) AS component,
  IF(REGEXP_CONTAINS(TRIM(CAST(answer.`gclid` AS STRING)), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(CAST(answer.`gclid` AS STRING)))) AS gclid,
  IF(REGEXP_CONTAINS(TRIM(CAST(answer.`gbraid` AS STRING)), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(CAST(answer.`gbraid` AS STRING)))) AS gbraid,
  IF(REGEXP_CONTAINS(TRIM(CAST(answer.`wbraid` AS STRING)), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(CAST(answer.`wbraid` AS STRING)))) AS wbraid,
  IF(REGEXP_CONTAINS(TRIM(CAST(answer.`dclid` AS STRING)), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(CAST(answer.`dclid` AS STRING)))) AS dclid,
  IF(REGEXP_CONTAINS(TRIM(CAST(answer.`fbc` AS STRING)), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(CAST(answer.`fbc` AS STRING)))) AS fbc,
  IF(REGEXP_CONTAINS(TRIM(CAST(answer.`fbclid` AS STRING)), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(CAST(answer.`fbclid` AS STRING)))) AS fbclid,
  IF(REGEXP_CONTAINS(TRIM(CAST(answer.`fbp` AS STRING)), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(CAST(answer.`fbp` AS STRING)))) AS fbp,
  IF(REGEXP_CONTAINS(TRIM(CAST(answer.`msclkid` AS STRING)), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(CAST(answer.`msclkid` AS STRING)))) AS msclkid,
  IF(REGEXP_CONTAINS(TRIM(CAST(answer.`ttclid` AS STRING)), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(CAST(answer.`ttclid` AS STRING)))) AS ttclid,
  IF(REGEXP_CONTAINS(TRIM(CAST(answer.`ttp` AS STRING)), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(CAST(answer.`ttp` AS STRING)))) AS ttp,
  IF(REGEXP_CONTAINS(TRIM(CAST(answer.`li_fat_id` AS STRING)), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|.*(?:[{}\[\]()<>\s]|%(?:7b|7d|5b|5d|28|29|3c|3e|25|%|20.)).*|__.*__)[\s\p{Z}]*$'), NULL, TRIM(TRIM(CAST(answer.`li_fat_id` AS STRING)))) AS li_fat_id,
  CAST(answer.`click_at` AS TIMESTAMP) AS click_at,
  CAST(NULL AS TIMESTAMP) AS google_click_at,
  CAST(NULL AS TIMESTAMP) AS cm360_click_at,
  CAST(NULL AS TIMESTAMP) AS meta_click_at,
  CAST(NULL AS TIMESTAMP) AS microsoft_click_at,
  CAST(NULL AS TIMESTAMP) AS tiktok_click_at,
  CAST(NULL AS TIMESTAMP) AS linkedin_click_at,
  CAST(answer.`session_id` AS STRING) AS session_id,
  IF(REGEXP_CONTAINS(CAST(answer.`source` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`source` AS STRING))) AS source,
  IF(REGEXP_CONTAINS(CAST(answer.`medium` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`medium` AS STRING))) AS medium,
  IF(REGEXP_CONTAINS(CAST(answer.`campaign` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`campaign` AS STRING))) AS campaign,
  CAST(NULL AS STRING) AS channel_group,
  CAST(answer.`page_location` AS STRING) AS page_location,
  CAST(answer.`user_agent` AS STRING) AS user_agent,
  CAST(answer.`ip_address` AS STRING) AS ip_address,
  IF(REGEXP_CONTAINS(CAST(answer.`country` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`country` AS STRING))) AS country,
  IF(REGEXP_CONTAINS(CAST(answer.`region` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`region` AS STRING))) AS region,
  IF(REGEXP_CONTAINS(CAST(answer.`city` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`city` AS STRING))) AS city,
  IF(REGEXP_CONTAINS(CAST(answer.`postal_code` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`postal_code` AS STRING))) AS postal_code,
  IF(REGEXP_CONTAINS(CAST(answer.`email` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`email` AS STRING))) AS email,
  IF(REGEXP_CONTAINS(CAST(answer.`phone` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`phone` AS STRING))) AS phone,
  IF(REGEXP_CONTAINS(CAST(answer.`first_name` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`first_name` AS STRING))) AS first_name,
  IF(REGEXP_CONTAINS(CAST(answer.`last_name` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`last_name` AS STRING))) AS last_name,
  IF(REGEXP_CONTAINS(CAST(answer.`order_id` AS STRING), r'(?i)^[\s\p{Z}]*(?:|\(not set\)|\(none\)|\(redacted\)|\(data deleted\)|<other>|\(other\)|undefined|null|nan|n/a|none|-|0|anonymous|\{.*\}|\[.*\]|<.*>|\$\{.*|%%.*%%|__.*__)[\s\p{Z}]*$'), NULL, TRIM(CAST(answer.`order_id` AS STRING))) AS order_id,
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
-- @earliest_date DATE = "2026-11-25"
-- @end_date DATE = "2026-11-28"
-- @factor FLOAT64 = null
-- @factor_as_of DATE = null
-- @fence INT64 = 1
-- @now_currency STRING = "EUR"
-- @run_id STRING = "paper"
-- @start_date DATE = "2026-11-28"
-- @timezone STRING = "Europe/Berlin"
-- @unit_value FLOAT64 = null
-- @v_39903922be50 STRING = "EUR"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
-- @version INT64 = 1
CREATE OR REPLACE TABLE `my-project.conversions_staging.order_1_difference` AS
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
  FROM `my-project.conversions_staging.order_1_candidates` AS c
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
      SELECT history.id FROM `my-project.conversions.conversion_order` AS history WHERE history.date < @start_date OR history.date > @end_date
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
earlier_days AS (
  -- the days before: their rows stay as they are, and may still learn of visits that came late
  SELECT history.*
  FROM `my-project.conversions.conversion_order` AS history
  WHERE history.date BETWEEN @earliest_date AND DATE_SUB(@start_date, INTERVAL 1 DAY)
),
visitors AS (
  -- whose visits may lend something
  SELECT kept.id, kept.client_id, kept.created FROM kept
  UNION ALL
  SELECT earlier_days.id, earlier_days.client_id, earlier_days.created FROM earlier_days
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
        INNER JOIN `my-project.conversions.ga4_clicks` AS click ON click.client_id = visitors.client_id
        WHERE
          click.date BETWEEN DATE_SUB(@earliest_date, INTERVAL 91 DAY) AND @end_date
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
  INNER JOIN `my-project.conversions.ga4_visits` AS visit ON visit.client_id = visitors.client_id
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
  UNION ALL
  SELECT earlier_days.id, earlier_days.client_id, earlier_days.created, earlier_days.date, earlier_days.value, earlier_days.currency, earlier_days.is_qualified, earlier_days.params, earlier_days.user_id, earlier_days.lead_id, earlier_days.person_id, earlier_days.value_gross, earlier_days.value_refunded, earlier_days.refund_status, earlier_days.value_kind, earlier_days.value_problem, earlier_days.value_project, earlier_days.exchange_rate, earlier_days.exchange_date, earlier_days.dollar_rate, earlier_days.rate_source, earlier_days.is_preliminary, earlier_days.normalization_factor, earlier_days.normalization_as_of, earlier_days.component, earlier_days.gclid, earlier_days.gbraid, earlier_days.wbraid, earlier_days.dclid, earlier_days.fbc, earlier_days.fbclid, earlier_days.fbp, earlier_days.msclkid, earlier_days.ttclid, earlier_days.ttp, earlier_days.li_fat_id, earlier_days.click_at, earlier_days.google_click_at, earlier_days.cm360_click_at, earlier_days.meta_click_at, earlier_days.microsoft_click_at, earlier_days.tiktok_click_at, earlier_days.linkedin_click_at, earlier_days.session_id, earlier_days.source, earlier_days.medium, earlier_days.campaign, earlier_days.channel_group, earlier_days.page_location, earlier_days.user_agent, earlier_days.ip_address, earlier_days.country, earlier_days.region, earlier_days.city, earlier_days.postal_code, earlier_days.email, earlier_days.phone, earlier_days.first_name, earlier_days.last_name, earlier_days.order_id, earlier_days.event_source, earlier_days.consent_ad_user_data, earlier_days.consent_ad_personalization
  FROM (
    SELECT
      earlier_days.* REPLACE (
        COALESCE(earlier_days.click_at, known.click_at) AS click_at, IF(COALESCE(earlier_days.gclid, earlier_days.gbraid, earlier_days.wbraid) IS NULL, known.google_click_at, COALESCE(earlier_days.google_click_at, earlier_days.click_at)) AS google_click_at, IF(COALESCE(earlier_days.gclid, earlier_days.gbraid, earlier_days.wbraid) IS NULL, known.gclid, earlier_days.gclid) AS gclid, IF(COALESCE(earlier_days.gclid, earlier_days.gbraid, earlier_days.wbraid) IS NULL, known.gbraid, earlier_days.gbraid) AS gbraid, IF(COALESCE(earlier_days.gclid, earlier_days.gbraid, earlier_days.wbraid) IS NULL, known.wbraid, earlier_days.wbraid) AS wbraid, IF(COALESCE(earlier_days.dclid) IS NULL, known.cm360_click_at, COALESCE(earlier_days.cm360_click_at, earlier_days.click_at)) AS cm360_click_at, IF(COALESCE(earlier_days.dclid) IS NULL, known.dclid, earlier_days.dclid) AS dclid, IF(COALESCE(earlier_days.fbclid) IS NULL, known.meta_click_at, COALESCE(earlier_days.meta_click_at, earlier_days.click_at)) AS meta_click_at, IF(COALESCE(earlier_days.fbclid) IS NULL, known.fbclid, earlier_days.fbclid) AS fbclid, IF(COALESCE(earlier_days.msclkid) IS NULL, known.microsoft_click_at, COALESCE(earlier_days.microsoft_click_at, earlier_days.click_at)) AS microsoft_click_at, IF(COALESCE(earlier_days.msclkid) IS NULL, known.msclkid, earlier_days.msclkid) AS msclkid, IF(COALESCE(earlier_days.ttclid) IS NULL, known.tiktok_click_at, COALESCE(earlier_days.tiktok_click_at, earlier_days.click_at)) AS tiktok_click_at, IF(COALESCE(earlier_days.ttclid) IS NULL, known.ttclid, earlier_days.ttclid) AS ttclid, IF(COALESCE(earlier_days.li_fat_id) IS NULL, known.linkedin_click_at, COALESCE(earlier_days.linkedin_click_at, earlier_days.click_at)) AS linkedin_click_at, IF(COALESCE(earlier_days.li_fat_id) IS NULL, known.li_fat_id, earlier_days.li_fat_id) AS li_fat_id, IF(COALESCE(earlier_days.source, earlier_days.medium, earlier_days.campaign, earlier_days.channel_group) IS NULL, known.source, earlier_days.source) AS source, IF(COALESCE(earlier_days.source, earlier_days.medium, earlier_days.campaign, earlier_days.channel_group) IS NULL, known.medium, earlier_days.medium) AS medium, IF(COALESCE(earlier_days.source, earlier_days.medium, earlier_days.campaign, earlier_days.channel_group) IS NULL, known.campaign, earlier_days.campaign) AS campaign, IF(COALESCE(earlier_days.source, earlier_days.medium, earlier_days.campaign, earlier_days.channel_group) IS NULL, known.channel_group, earlier_days.channel_group) AS channel_group, IF(COALESCE(earlier_days.session_id) IS NULL, known.session_id, earlier_days.session_id) AS session_id, IF(COALESCE(earlier_days.page_location) IS NULL, known.page_location, earlier_days.page_location) AS page_location
      )
    FROM earlier_days
    LEFT JOIN known ON known.id = earlier_days.id
  ) AS earlier_days
),
fresh AS (
  -- the same with a fingerprint of each row
  SELECT spelled.* EXCEPT (row_text), CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(spelled.row_text)), 1, 15)) AS INT64) AS row_hash
  FROM (SELECT wanted.*, ARRAY_TO_STRING([wanted.id, wanted.client_id, CAST(wanted.created AS STRING), CAST(wanted.date AS STRING), CAST(wanted.value AS STRING), wanted.currency, CAST(wanted.is_qualified AS STRING), TO_JSON_STRING(wanted.params), wanted.user_id, wanted.lead_id, wanted.person_id, CAST(wanted.value_gross AS STRING), CAST(wanted.value_refunded AS STRING), wanted.refund_status, wanted.value_kind, wanted.value_problem, CAST(wanted.value_project AS STRING), CAST(wanted.exchange_rate AS STRING), CAST(wanted.exchange_date AS STRING), CAST(wanted.dollar_rate AS STRING), wanted.rate_source, CAST(wanted.is_preliminary AS STRING), CAST(wanted.normalization_factor AS STRING), wanted.component, wanted.gclid, wanted.gbraid, wanted.wbraid, wanted.dclid, wanted.fbc, wanted.fbclid, wanted.fbp, wanted.msclkid, wanted.ttclid, wanted.ttp, wanted.li_fat_id, CAST(wanted.click_at AS STRING), CAST(wanted.google_click_at AS STRING), CAST(wanted.cm360_click_at AS STRING), CAST(wanted.meta_click_at AS STRING), CAST(wanted.microsoft_click_at AS STRING), CAST(wanted.tiktok_click_at AS STRING), CAST(wanted.linkedin_click_at AS STRING), wanted.session_id, wanted.source, wanted.medium, wanted.campaign, wanted.channel_group, wanted.page_location, wanted.user_agent, wanted.ip_address, wanted.country, wanted.region, wanted.city, wanted.postal_code, wanted.email, wanted.phone, wanted.first_name, wanted.last_name, wanted.order_id, wanted.event_source, wanted.consent_ad_user_data, wanted.consent_ad_personalization], CHR(31), CHR(30)) AS row_text FROM wanted) AS spelled
),
present AS (
  -- what the window holds
  SELECT target.date, target.row_hash, target.first_seen_at, target.definition_version, target.id, target.client_id, target.user_id, target.lead_id, target.created, target.value, target.currency, target.is_qualified, target.value_gross, target.value_refunded, target.refund_status, target.value_kind, target.value_project, target.normalization_factor, target.component, target.order_id
  FROM `my-project.conversions.conversion_order` AS target
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
-- @start_date DATE = "2026-11-28"
-- @timezone STRING = "Europe/Berlin"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
-- the statement of simple.sql

-- step merge_conversion_order
-- @first_date DATE = "2026-11-28"
-- @last_date DATE = "2026-11-28"
-- the statement of simple.sql

-- step insert_conversion_changes
-- @definition_id STRING = "order"
-- @end_date DATE = "2026-11-28"
-- @fence INT64 = 1
-- @is_edited BOOL = true
-- @is_first BOOL = false
-- @now TIMESTAMP = "2026-11-29 00:00:00+00:00"
-- @run_id STRING = "paper"
-- @start_date DATE = "2026-11-28"
-- @trigger STRING = "schedule"
-- @usual_cause STRING = "crm_change"
-- @version INT64 = 1
-- the statement of simple.sql

-- step truncate
-- the statement of simple.sql
