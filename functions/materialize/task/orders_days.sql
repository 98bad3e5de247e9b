SELECT DISTINCT day
FROM (
  -- orders of the run's days that were seen on more days than one
  SELECT ARRAY_AGG(DISTINCT memory.date) AS days
  FROM {{ orders }} AS memory
  WHERE memory.order_id IN (
    SELECT event.order_id
    FROM {{ stage }} AS event
    WHERE event.event_name = 'purchase' AND event.date BETWEEN @start_date AND @end_date AND event.order_id IS NOT NULL
  )
  GROUP BY memory.order_id
  HAVING MIN(memory.date) < MAX(memory.date)
) AS seen
CROSS JOIN UNNEST(seen.days) AS day
ORDER BY day
