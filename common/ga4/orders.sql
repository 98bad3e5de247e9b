SELECT
  event.date,
  TO_HEX(SHA256(TO_JSON_STRING(STRUCT(event.property AS property, event.order_id AS order_id, {{ day }} AS day)))) AS memory_key,
  event.property,
  event.order_id,
  MIN(event.purchase_id) AS purchase_id,
  MIN(event.occurred_at) AS first_at,
  SUBSTR(MIN(CONCAT(CAST(UNIX_MICROS(event.occurred_at) AS STRING), event.client_id)), 17) AS client_id,
  SUBSTR(MIN(CONCAT(CAST(UNIX_MICROS(event.occurred_at) AS STRING), event.user_id)), 17) AS user_id,
  COUNT(DISTINCT event.client_id) AS clients,
  SUM(event.revenue) AS value,
  {{ is_history }} AS is_history,
  event.shard
FROM {{ events }} AS event
WHERE
  event.is_wanted = TRUE
  AND event.event_name = 'purchase'
  AND event.order_id IS NOT NULL
  AND event.date BETWEEN @start_date AND @end_date
GROUP BY event.date, event.property, event.order_id, event.shard
