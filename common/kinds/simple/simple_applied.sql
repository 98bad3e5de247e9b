  -- a refund counts while its day is at most the window after the day of its purchase
  SELECT
    previous.event_key,
    LOGICAL_OR(refunds.amount IS NULL) AS is_whole,
    -- a refund in another currency is converted at the purchase date's rates
    SUM(refunds.amount * IF(
      COALESCE(refunds.currency, previous.paid_currency) = previous.paid_currency, 1, paid_in.rate / bought_in.rate
    )) AS amount
  FROM {{ previous }} AS previous
  INNER JOIN refunds ON refunds.order_id = previous.order_id
  LEFT JOIN ({{ rates }}) AS paid_in
    ON paid_in.currency = refunds.currency AND paid_in.day = DATE(previous.created, @timezone)
  LEFT JOIN ({{ rates }}) AS bought_in
    ON bought_in.currency = previous.paid_currency AND bought_in.day = DATE(previous.created, @timezone)
  WHERE refunds.date <= DATE_ADD(DATE(previous.created, @timezone), INTERVAL {{ days }} DAY)
  GROUP BY previous.event_key
