  -- the products of each purchase; one without a quantity was bought once
  SELECT
    previous.event_key,
    -- GA4 asks for an id or a name
    COALESCE(item.item_id, item.item_name) AS item_id,
    MIN(IF(IS_NAN(item.price) OR IS_INF(item.price), NULL, ABS(item.price))) AS price,
    SUM(COALESCE(ABS(item.quantity), 1)) AS quantity
  FROM {{ previous }} AS previous
  CROSS JOIN UNNEST(previous.items) AS item
  WHERE COALESCE(item.item_id, item.item_name) IS NOT NULL
  GROUP BY previous.event_key, COALESCE(item.item_id, item.item_name)
