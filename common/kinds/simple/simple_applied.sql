  -- what was returned of each purchase in all, in its currency
  SELECT
    converted.event_key,
    LOGICAL_OR(converted.is_whole) AS is_whole,
    LOGICAL_OR(COALESCE(converted.is_preliminary, FALSE)) AS is_preliminary,
    LOGICAL_OR(NOT converted.is_whole AND (converted.unpriced > 0 OR converted.amount IS NULL)) AS is_partly_unknown,
    SUM(converted.amount) AS amount
  FROM (
    SELECT
      previous.event_key,
      returns.is_whole,
      returns.is_preliminary,
      returns.unpriced,
      CASE
        WHEN returns.amount IS NULL THEN returns.amount_as_paid
        WHEN returns.currency IS NULL OR returns.currency = previous.paid_currency
          THEN returns.amount + COALESCE(returns.amount_as_paid, 0)
        -- a refund in another currency is converted at the purchase date's rates, else by GA4's own dollars, else by both
        ELSE returns.amount * COALESCE(
          paid_in.rate / bought_in.rate,
          {{ returned_dollars }} / {{ paid_dollars }},
          COALESCE(paid_in.rate, {{ returned_dollars }} / own.dollars)
            / COALESCE(bought_in.rate, {{ paid_dollars }} / own.dollars)
        ) + COALESCE(returns.amount_as_paid, 0)
      END AS amount
    FROM {{ previous }} AS previous
    INNER JOIN returns ON returns.event_key = previous.event_key
    LEFT JOIN ({{ rates }}) AS paid_in
      ON paid_in.currency = returns.currency AND paid_in.day = DATE(previous.created, @timezone)
    LEFT JOIN ({{ rates }}) AS bought_in
      ON bought_in.currency = previous.paid_currency AND bought_in.day = DATE(previous.created, @timezone)
    LEFT JOIN ({{ dollars }}) AS own ON own.day = DATE(previous.created, @timezone)
  ) AS converted
  GROUP BY converted.event_key
