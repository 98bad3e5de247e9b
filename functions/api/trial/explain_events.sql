-- Events under this key, and which rules of the definition they pass.
SELECT event.date, event.occurred_at, event.event_name, {{ rules }}
FROM {{ stage }} AS event
WHERE
  event.date BETWEEN @start_date AND @end_date
  AND (event.order_id = @key OR CONCAT('ga4-', event.event_key) = @key)
  AND event.event_name <> 'refund'
ORDER BY event.occurred_at
LIMIT 20
