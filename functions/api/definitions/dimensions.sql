-- Keys of parameters and user properties of recent events, the most frequent of each first.
SELECT seen.list, seen.key, COUNT(*) AS events, COUNTIF(seen.is_number) AS numbers
FROM (
  SELECT 'event_params' AS list, parameter.key AS key, parameter.number IS NOT NULL AS is_number
  FROM {{ events }} AS event
  CROSS JOIN UNNEST(event.event_params) AS parameter
  WHERE event.date BETWEEN @start_date AND @end_date AND (@event = '' OR event.event_name = @event)
  UNION ALL
  SELECT 'user_properties' AS list, parameter.key AS key, parameter.number IS NOT NULL AS is_number
  FROM {{ events }} AS event
  CROSS JOIN UNNEST(event.user_properties) AS parameter
  WHERE event.date BETWEEN @start_date AND @end_date AND (@event = '' OR event.event_name = @event)
) AS seen
WHERE seen.key IS NOT NULL
GROUP BY seen.list, seen.key
QUALIFY ROW_NUMBER() OVER (PARTITION BY seen.list ORDER BY COUNT(*) DESC, seen.key) <= @limit
ORDER BY seen.list, events DESC, seen.key
