  -- the clients that show each order, where every one has an order of its own
  SELECT event.property, event.order_id, event.client_id, MIN(event.occurred_at) AS first_at
  FROM {{ stage }} AS event
  WHERE
    event.event_name = 'purchase'
    AND event.client_id IS NOT NULL
    AND event.order_id IN (SELECT counted.order_id FROM counted)
    AND event.date BETWEEN DATE_SUB(@start_date, INTERVAL {{ reach }} DAY) AND DATE_ADD(@end_date, INTERVAL {{ reach }} DAY)
  GROUP BY event.property, event.order_id, event.client_id
