  -- a user id shared by more client ids than a person has devices is a test account or a constant
  SELECT pairs.user_id
  FROM pairs
  GROUP BY pairs.user_id
  HAVING COUNT(DISTINCT pairs.client_id) > 50
