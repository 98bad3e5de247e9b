  -- who is who: the edges of the identity graph
  SELECT edge.kind, edge.client_id, edge.user_id, edge.since FROM {{ edges }} AS edge
