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
    event.event_name IN UNNEST(@event_names)
      AND DATE(TIMESTAMP_MICROS(event.event_timestamp), @timezone) BETWEEN @start_date AND @end_date AS is_wanted,
    IF(event.event_name IN UNNEST(@event_names), CONCAT({{ key_before }}), NULL) AS key_before,
    IF(event.event_name IN UNNEST(@event_names), {{ ga_session_number }}, NULL) AS ga_session_number,
    IF(event.event_name IN UNNEST(@event_names), {{ page_title }}, NULL) AS page_title,
    IF(event.event_name IN UNNEST(@event_names), {{ value_text }}, NULL) AS value_text,
    IF(event.event_name IN UNNEST(@event_names), {{ value_number }}, NULL) AS value_number,
    IF(event.event_name IN UNNEST(@event_names), {{ param_order }}, NULL) AS param_order,
    IF(event.event_name IN UNNEST(@event_names), COALESCE({{ currency }}, {{ ecommerce_currency }}), NULL) AS currency_text,
    IF(event.event_name IN UNNEST(@event_names), {{ coupon }}, NULL) AS coupon,
    IF(event.event_name IN UNNEST(@event_names), {{ event_params }}, []) AS event_params,
    IF(event.event_name IN UNNEST(@event_names), {{ user_properties }}, []) AS user_properties,
    IF(event.event_name IN UNNEST(@event_names), {{ items }}, []) AS items
  FROM {{ shards }}
    AND DATE(TIMESTAMP_MICROS(event.event_timestamp), @timezone)
      BETWEEN DATE_SUB(@start_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL 1 DAY)
    AND event.event_name IS NOT NULL
    -- audience events are GA4's own, not anybody's
    AND COALESCE({{ synthetic }}, 0) <> 1
