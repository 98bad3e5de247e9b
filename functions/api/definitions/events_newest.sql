SELECT MAX(event.date) AS newest
FROM {{ stage }} AS event
WHERE event.date BETWEEN @start_date AND @end_date AND (@event = '' OR event.event_name = @event)
