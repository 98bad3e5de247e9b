-- a conversion has the moment and the client of its event, and the stage knows whose that is
SELECT event.property, converted.date, COUNT(DISTINCT converted.id) AS seen
FROM {{ target }} AS converted
INNER JOIN {{ stage }} AS event
  ON event.date = converted.date
  AND event.occurred_at = converted.created
  AND COALESCE(event.client_id, '') = COALESCE(converted.client_id, '')
WHERE
  converted.date BETWEEN @start_date AND @end_date
  AND event.date BETWEEN @start_date AND @end_date
  AND event.event_name IN UNNEST(@names)
GROUP BY event.property, converted.date
