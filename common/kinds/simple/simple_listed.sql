  -- the products that each refund names
  SELECT
    refunds.refund,
    item.item_id,
    MAX(item.price) AS price,
    SUM(COALESCE(item.quantity, 1)) AS quantity,
    SUM(NULLIF(ABS(item.item_refund), 0)) AS returned
  FROM refunds
  CROSS JOIN UNNEST(refunds.items) AS item
  GROUP BY refunds.refund, item.item_id
