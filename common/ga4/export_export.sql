SELECT
    {{ property }} AS property,
    event.event_name,
    TIMESTAMP_MICROS(event.event_timestamp) AS occurred_at,
    event.user_pseudo_id AS client_id,
    {{ columns }},
    CONCAT({{ key }}) AS key_rest,
    {{ event_params }} AS event_params,
    {{ user_properties }} AS user_properties,
    {{ items }} AS items
  FROM {{ export }} AS event
  WHERE
    event._TABLE_SUFFIX BETWEEN @first_suffix AND @last_suffix
    AND REGEXP_CONTAINS(event._TABLE_SUFFIX, r'^\d{8}$')
    AND event.event_name IN UNNEST(@event_names)
    AND DATE(TIMESTAMP_MICROS(event.event_timestamp), @timezone) BETWEEN @start_date AND @end_date
