-- Which events the newest days of a property's export hold; reads one narrow column.
SELECT event.event_name AS name, COUNT(*) AS events
FROM {{ newest }} AS event
GROUP BY event.event_name
