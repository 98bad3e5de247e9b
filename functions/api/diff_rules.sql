-- Which rules the events behind these ids pass, in the order of the rules.
SELECT found.id, found.passed
FROM (
  SELECT id, {{ passed }} AS passed
  FROM {{ stage }} AS event
  CROSS JOIN UNNEST([event.order_id, CONCAT('ga4-', event.event_key)]) AS id
  WHERE event.date BETWEEN @start_date AND @end_date
) AS found
WHERE found.id IN UNNEST({{ ids }})
