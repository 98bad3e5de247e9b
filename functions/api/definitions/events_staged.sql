SELECT event.event_name AS name, COUNT(*) AS events
FROM {{ stage }} AS event
WHERE event.date BETWEEN @start_date AND @end_date
GROUP BY event.event_name
