  -- what each refund returned of each purchase: its own amount, all that was bought, what its products
  -- state, or its products at their own price, else at that of the purchase; without any everything
  SELECT
    paired.*,
    COALESCE(paired.stated, IF(paired.names_all, NULL, paired.returned)) AS amount,
    -- what is priced by the purchase is money of the purchase, whatever the refund's currency
    IF(paired.stated IS NULL AND NOT paired.names_all, paired.priced_by_purchase, NULL) AS amount_as_paid,
    IF(paired.stated IS NULL, paired.lacking_price, 0) AS unpriced,
    paired.stated IS NULL
      AND (paired.names_all OR (paired.products = 0 AND NOT paired.has_no_amount)) AS is_whole
  FROM (
    SELECT
      previous.event_key,
      refunds.refund,
      refunds.currency,
      refunds.stated,
      refunds.has_no_amount,
      refunds.dollars,
      refunds.is_preliminary,
      COUNT(listed.quantity) AS products,
      SUM(COALESCE(
        listed.returned, listed.price * LEAST(listed.quantity, COALESCE(bought.quantity, listed.quantity))
      )) AS returned,
      SUM(IF(COALESCE(listed.returned, listed.price) IS NULL, bought.price * LEAST(listed.quantity, bought.quantity), NULL))
        AS priced_by_purchase,
      COUNTIF(listed.quantity IS NOT NULL AND COALESCE(listed.returned, listed.price, bought.price) IS NULL) AS lacking_price,
      COUNTIF(listed.quantity >= bought.quantity) > 0
        AND COUNTIF(listed.quantity >= bought.quantity) = MAX(COALESCE(kinds.products, 0))
        -- GA4 states price x quantity of each product that has a price; a shop may return less of one, which amounts of
        -- another currency do not say
        AND COUNTIF(
          COALESCE(refunds.currency = previous.paid_currency, TRUE)
          AND listed.returned < bought.price * bought.quantity - 0.005
        ) = 0 AS names_all
    FROM {{ previous }} AS previous
    INNER JOIN refunds ON refunds.order_id = previous.order_id AND refunds.property = previous.property{{ whose }}
    LEFT JOIN listed ON listed.refund = refunds.refund
    LEFT JOIN bought
      ON bought.event_key = previous.event_key
      -- one of both may know the product by its name alone
      AND (bought.item_id = listed.item_id OR ((bought.is_named OR listed.is_named) AND bought.item_name = listed.item_name))
    LEFT JOIN (
      SELECT bought.event_key, COUNT(*) AS products FROM bought GROUP BY bought.event_key
    ) AS kinds ON kinds.event_key = previous.event_key
    -- a refund counts while its day is at most the window after the day of its purchase
    WHERE refunds.date <= DATE_ADD(DATE(previous.created, @timezone), INTERVAL {{ days }} DAY)
    GROUP BY
      previous.event_key, refunds.refund, refunds.currency, refunds.stated, refunds.has_no_amount, refunds.dollars,
      refunds.is_preliminary
  ) AS paired
