SELECT MAX(event.date) AS newest
FROM {{ stage }} AS event
WHERE @event = '' OR event.event_name = @event
