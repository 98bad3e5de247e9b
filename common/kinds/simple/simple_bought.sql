  -- the products of each purchase; one without a quantity was bought once
  SELECT
    previous.event_key,
    item.item_id,
    MIN(IF(IS_NAN(item.price) OR IS_INF(item.price), NULL, ABS(item.price))) AS price,
    SUM(COALESCE(ABS(item.quantity), 1)) AS quantity
  FROM {{ previous }} AS previous
  CROSS JOIN UNNEST(previous.items) AS item
  WHERE item.item_id IS NOT NULL
  GROUP BY previous.event_key, item.item_id
