-- Which rules the events behind these ids pass.
SELECT id, {{ rules }}
FROM {{ stage }} AS event
CROSS JOIN UNNEST([event.order_id, CONCAT('ga4-', event.event_key)]) AS id
WHERE event.date BETWEEN @start_date AND @end_date AND id IN UNNEST({{ ids }})
