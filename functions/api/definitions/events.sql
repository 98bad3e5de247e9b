-- Which events the newest days of a property's export hold; reads one narrow column.
SELECT event.event_name AS name, COUNT(*) AS events
FROM {{ export }} AS event
WHERE
  event._TABLE_SUFFIX BETWEEN @first_suffix AND @last_suffix
  AND REGEXP_CONTAINS(event._TABLE_SUFFIX, r'^\d{6}$')
GROUP BY event.event_name
