SELECT
  {{ columns }}
FROM (
  SELECT event.client_id, MIN(event.occurred_at) AS created
  FROM {{ stage }} AS event
  WHERE event.event_name = 'session_start' AND event.date BETWEEN @start_date AND @end_date
  GROUP BY event.client_id
  HAVING COUNT(*) >= {{ sessions }}
) AS visits
