  -- on a shared device, an event without user id belongs to the latest user before it
  SELECT previous.event_key, links.user_id
  FROM {{ previous }} AS previous
  INNER JOIN links ON links.client_id = previous.client_id AND links.occurred_at <= previous.created
  QUALIFY ROW_NUMBER() OVER (PARTITION BY previous.event_key ORDER BY links.occurred_at DESC, links.user_id) = 1
