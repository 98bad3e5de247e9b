  -- the products that each refund names, whichever sign their numbers have
  SELECT
    refunds.refund,
    COALESCE(item.item_id, item.item_name) AS item_id,
    MIN(item.item_id) IS NULL AS is_named,
    MIN(item.item_name) AS item_name,
    MAX(IF(IS_NAN(item.price) OR IS_INF(item.price), NULL, ABS(item.price))) AS price,
    SUM(COALESCE(ABS(item.quantity), 1)) AS quantity,
    SUM(IF(IS_NAN(item.item_refund) OR IS_INF(item.item_refund), NULL, NULLIF(ABS(item.item_refund), 0))) AS returned
  FROM refunds
  CROSS JOIN UNNEST(refunds.items) AS item
  GROUP BY refunds.refund, COALESCE(item.item_id, item.item_name)
