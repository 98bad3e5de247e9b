  -- a refund is its own client's; one that a server sends under another, the first client's that shows its order
  SELECT refunds.refund, owners.client_id AS owner
  FROM refunds
  LEFT JOIN owners ON owners.order_id = refunds.order_id AND owners.property = refunds.property
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY refunds.refund
    ORDER BY COALESCE(owners.client_id = refunds.client_id, FALSE) DESC, owners.first_at, owners.client_id
  ) = 1
