  -- on a shared device, an event without user id belongs to the latest user before it
  SELECT previous.event_key, edges.user_id
  FROM {{ previous }} AS previous
  INNER JOIN edges ON edges.client_id = previous.client_id AND edges.since <= previous.created
  WHERE edges.kind = 'one_of'
  QUALIFY ROW_NUMBER() OVER (PARTITION BY previous.event_key ORDER BY edges.since DESC, edges.user_id) = 1
