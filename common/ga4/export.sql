-- One row an event: ids that stand for nobody are NULL, amounts are FLOAT64, parameters have one shape.
WITH
exported AS (
  -- the events of the daily tables, of all properties
  {{ exports }}
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
FROM named
