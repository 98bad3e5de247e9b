  -- identical refund events are one refund; an amount of NULL means all of it; one may be dated before its purchase
  SELECT DISTINCT event.order_id, event.occurred_at, event.date, event.refund_value AS amount, event.currency
  FROM {{ stage }} AS event
  WHERE
    event.event_name = 'refund'
    AND event.order_id IN (SELECT counted.order_id FROM counted)
    AND event.date BETWEEN DATE_SUB(@start_date, INTERVAL 60 DAY) AND DATE_ADD(@end_date, INTERVAL {{ days }} DAY)
