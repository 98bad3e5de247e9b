-- Events under this key, and which rules of the definition they pass.
SELECT event.date, event.occurred_at, event.event_name, {{ rules }}
FROM {{ stage }} AS event
WHERE
  event.date BETWEEN @start_date AND @end_date
  AND @key IN UNNEST({{ ids }})
  AND event.event_name <> 'refund'
ORDER BY event.occurred_at
LIMIT 20
