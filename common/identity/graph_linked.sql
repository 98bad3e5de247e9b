  -- a client id with two user ids joins nobody: it may be a shared device
  SELECT links.client_id, ANY_VALUE(links.user_id) AS user_id
  FROM links
  GROUP BY links.client_id
  HAVING COUNT(DISTINCT links.user_id) = 1
