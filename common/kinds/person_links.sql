  SELECT pairs.client_id, pairs.user_id, pairs.occurred_at
  FROM pairs
  WHERE pairs.user_id NOT IN (SELECT shared.user_id FROM shared)
  -- an id of one client in a CRM joins nothing, and may be a number that guests get at each order
  QUALIFY
    pairs.in_ga4
    OR MIN(pairs.client_id) OVER user_ids < MAX(pairs.client_id) OVER user_ids
  WINDOW user_ids AS (PARTITION BY pairs.user_id)
