SELECT
  {{ columns }}
FROM (
  SELECT event.client_id, MIN(event.occurred_at) AS created
  FROM {{ stage }} AS event
  WHERE event.event_name IN UNNEST({{ events }}) AND event.date BETWEEN @start_date AND @end_date
  GROUP BY event.client_id
  HAVING COUNT(*) >= {{ times }}
) AS leads
