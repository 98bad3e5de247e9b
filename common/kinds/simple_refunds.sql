  -- identical refund events are one refund; an amount of NULL means all of it
  SELECT DISTINCT event.order_id, event.occurred_at, event.date, event.refund_value AS amount, event.currency
  FROM {{ stage }} AS event
  WHERE
    event.event_name = 'refund'
    AND event.order_id IS NOT NULL
    AND event.date BETWEEN DATE_SUB(@start_date, INTERVAL {{ days }} DAY) AND DATE_ADD(@end_date, INTERVAL {{ days }} DAY)
