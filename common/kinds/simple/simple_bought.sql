  -- the products of each purchase; one without a quantity was bought once
  SELECT
    previous.event_key,
    -- GA4 asks for an id or a name
    COALESCE(item.item_id, item.item_name) AS item_id,
    MIN(item.item_id) IS NULL AS is_named,
    -- a name that products of several ids share says of none which it is
    IF(COUNT(*) OVER (PARTITION BY previous.event_key, MIN(item.item_name)) = 1, MIN(item.item_name), NULL) AS item_name,
    MIN(IF(IS_NAN(item.price) OR IS_INF(item.price), NULL, ABS(item.price))) AS price,
    SUM(COALESCE(ABS(item.quantity), 1)) AS quantity
  FROM {{ previous }} AS previous
  CROSS JOIN UNNEST(previous.items) AS item
  WHERE COALESCE(item.item_id, item.item_name) IS NOT NULL
  GROUP BY previous.event_key, COALESCE(item.item_id, item.item_name)
