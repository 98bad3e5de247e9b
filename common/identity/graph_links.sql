  -- pairs that may join clients, without user ids that stand for many people
  SELECT pairs.client_id, pairs.user_id, pairs.occurred_at
  FROM pairs
  WHERE pairs.user_id NOT IN (SELECT shared.user_id FROM shared)
  -- A CRM may number people in a way of its own. Its user ids count where GA4 knows them, and fill the
  -- gap where GA4 knows nobody on the client; one of a single client joins nothing, and may be a number
  -- that guests get at each order.
  QUALIFY
    COUNTIF(pairs.in_ga4) OVER user_ids > 0
    OR (
      COUNTIF(pairs.in_ga4) OVER client_ids = 0
      AND MIN(pairs.client_id) OVER user_ids < MAX(pairs.client_id) OVER user_ids
    )
  WINDOW
    user_ids AS (PARTITION BY pairs.user_id),
    client_ids AS (PARTITION BY pairs.client_id)
