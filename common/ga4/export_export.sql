SELECT
    {{ property }} AS property,
    {{ is_preliminary }} AS is_preliminary,
    event.event_name,
    {{ shard }} AS shard,
    TIMESTAMP_MICROS(event.event_timestamp) AS occurred_at,
    DATE(TIMESTAMP_MICROS(event.event_timestamp), @timezone) AS date,
    {{ columns }},
    {{ ga_session_id }} AS ga_session_id,
    {{ page_location }} AS page_location,
    {{ page_referrer }} AS page_referrer,
    {{ click_pairs }} AS param_clicks,
    {{ kept }}
      AND DATE(TIMESTAMP_MICROS(event.event_timestamp), @timezone) BETWEEN @start_date AND @end_date AS is_wanted,
    IF({{ kept }}, CONCAT({{ key_before }}), NULL) AS key_before,
    IF({{ kept }}, {{ ga_session_number }}, NULL) AS ga_session_number,
    IF({{ kept }}, {{ page_title }}, NULL) AS page_title,
    IF({{ kept }}, {{ value_text }}, NULL) AS value_text,
    IF({{ kept }}, {{ value_number }}, NULL) AS value_number,
    IF({{ kept }}, {{ param_order }}, NULL) AS param_order,
    IF({{ kept }}, COALESCE({{ currency }}, {{ ecommerce_currency }}), NULL) AS currency_text,
    IF({{ kept }}, {{ coupon }}, NULL) AS coupon,
    IF({{ kept }}, {{ event_params }}, []) AS event_params,
    IF({{ kept }}, {{ user_properties }}, []) AS user_properties,
    IF({{ kept }}, {{ items }}, []) AS items
  FROM {{ shards }}
    AND DATE(TIMESTAMP_MICROS(event.event_timestamp), @timezone)
      BETWEEN DATE_SUB(@start_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL 1 DAY)
    AND event.event_name IS NOT NULL
    -- audience events are GA4's own, not anybody's
    AND COALESCE({{ synthetic }}, 0) <> 1
