  -- clients of one user
  SELECT edges.client_id, edges.user_id
  FROM edges
  WHERE edges.kind = 'only'
