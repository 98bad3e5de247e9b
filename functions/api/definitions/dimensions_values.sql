-- Values of one dimension in recent events, the most frequent first.
SELECT found.value, COUNT(*) AS events
FROM (
  SELECT {{ value }} AS value
  FROM {{ events }} AS event
  {{ products }}
  WHERE event.date BETWEEN @start_date AND @end_date AND (@event = '' OR event.event_name = @event)
) AS found
WHERE found.value IS NOT NULL AND (@search = '' OR STRPOS(LOWER(found.value), LOWER(@search)) > 0)
GROUP BY found.value
ORDER BY events DESC, found.value
LIMIT @limit
