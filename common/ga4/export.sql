-- One row an event. Ids that stand for nobody are NULL, amounts are finite, parameters have one shape.
WITH
exports AS (
  -- the events of the daily tables, of all properties
  {{ exports }}
),
exported AS (
  -- with what single parameters say
  SELECT
    exports.*,
    {{ told }}
  FROM exports
),
meant AS (
  -- what each field says, without the texts that say nothing
  SELECT
    exported.* REPLACE ({{ meant }}),
    -- what happened at no time is nobody's visit and nobody's click
    IF(exported.astray IS NULL, {{ client_id }}, NULL) AS client_id,
    {{ user_id }} AS user_id,
    COALESCE({{ ecommerce_order }}, {{ param_order }}) AS order_id,
    UPPER({{ currency }}) AS currency_code,
    {{ session }} AS session,
    IF(LOWER(TRIM(exported.ecommerce_order)) IN UNNEST({{ nobody_before }}), NULL, TRIM(exported.ecommerce_order)) AS order_before,
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
      WHEN meant.event_name NOT IN ({{ of_stores }}) OR COALESCE(meant.value_number, 0) = 0 THEN 1
      WHEN COALESCE(meant.event_in_usd, 0) = 0 THEN NULL
      WHEN ABS(meant.value_number / meant.event_in_usd) > {{ micros }} THEN 1000000
      ELSE 1
    END AS unit,
    {{ session_step }} AS session_step,
    -- one record as a whole: that of the page, else that of the event
    {{ is_collected }} AS is_collected,
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
      {{ clicks_of_page }},
      meant.param_clicks,
      {{ clicks_of_referrer }}
    ) AS click_pairs
  FROM meant
),
keyed AS (
  -- the key of each row, and the record of the event alone
  SELECT
    valued.*,
    {{ said }},
    {{ raw_source }} AS raw_source,
    {{ raw_medium }} AS raw_medium,
    {{ raw_campaign }} AS raw_campaign,
    EXISTS(SELECT 1 FROM UNNEST(valued.click_pairs) AS pair WHERE {{ google_click }}) AS has_google_click,
    EXISTS(SELECT 1 FROM UNNEST(valued.click_pairs) AS pair WHERE {{ listing_click }})
      AND NOT EXISTS(SELECT 1 FROM UNNEST(valued.click_pairs) AS pair WHERE {{ ad_click }}) AS has_listing_click,
    IF(valued.is_wanted, TO_HEX(SHA256(TO_JSON_STRING(STRUCT(
      valued.property AS property, valued.stream_id AS stream, valued.platform AS platform, valued.client AS client,
      valued.event_name AS name, CAST(UNIX_MICROS(valued.occurred_at) AS STRING) AS micros,
      valued.batch_page_id AS page, valued.batch_ordering_id AS request, valued.batch_event_index AS place,
      valued.order_id AS order_id,
      -- without a place in a request only the contents tell events apart
      IF(valued.batch_event_index IS NULL, valued.user_of_row, NULL) AS user,
      IF(valued.batch_event_index IS NULL, valued.bundle, NULL) AS bundle,
      IF(valued.batch_event_index IS NULL, CAST(valued.amount AS STRING), NULL) AS amount,
      IF(valued.batch_event_index IS NULL, {{ item_texts }}, []) AS items,
      IF(valued.batch_event_index IS NULL, {{ param_texts }}, []) AS parameters
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
  COALESCE(CONCAT(keyed.order_id, {{ order_scope }}), CONCAT('ga4-', keyed.event_key)) AS purchase_id,
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
  IF(keyed.currency_code IN UNNEST({{ currencies }}), keyed.currency_code, NULL) AS currency,
  CASE
    WHEN keyed.unit IS NULL THEN 'unknown_unit'
    WHEN keyed.amount < 0 AND keyed.event_name <> 'refund' THEN 'negative_value'
    WHEN keyed.amount IS NULL AND (keyed.has_no_number OR TRIM(keyed.value_text) <> '') THEN 'unreadable_value'
    WHEN keyed.currency_code NOT IN UNNEST({{ currencies }}) THEN 'unreadable_currency'
  END AS value_problem,
  keyed.coupon,
  keyed.event_params,
  keyed.user_properties,
  IF(
    keyed.event_name = 'in_app_purchase' AND ARRAY_LENGTH(keyed.items) = 0
    AND EXISTS (SELECT 1 FROM UNNEST(keyed.event_params) AS parameter WHERE parameter.key IN ('product_id', 'product_name')),
    [{{ item_of_app }}], keyed.items
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
  {{ session_record }},
  -- the campaign of this event alone; a paid click on it says more than the referrer that came with it
  CASE
    WHEN keyed.has_google_click AND COALESCE(LOWER(keyed.raw_medium), '(none)') IN ('organic', 'referral', '(none)', '(not set)') THEN 'google'
    WHEN {{ is_listing }} THEN 'google'
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
    WHEN {{ is_listing }} THEN 'organic'
    ELSE keyed.raw_medium
  END AS own_medium,
  CASE
    WHEN keyed.has_google_click AND COALESCE(LOWER(keyed.raw_medium), '(none)') IN ('organic', 'referral', '(none)', '(not set)') THEN '(not set)'
    WHEN {{ is_listing }} THEN 'Shopping Free Listings'
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
