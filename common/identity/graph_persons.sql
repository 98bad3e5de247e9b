  -- the candidates with their person: by user id, by the client's only user, by the latest user, by client
  SELECT previous.* REPLACE (
    COALESCE(
      CONCAT('user:', IF(shared.user_id IS NULL, previous.user_id, NULL)),
      CONCAT('user:', linked.user_id),
      CONCAT('user:', recent.user_id),
      CONCAT('client:', previous.client_id)
    ) AS person_id
  )
  FROM {{ previous }} AS previous
  LEFT JOIN edges AS shared ON shared.kind = 'shared' AND shared.user_id = previous.user_id
  LEFT JOIN linked ON linked.client_id = previous.client_id
  LEFT JOIN {{ recent }} AS recent ON recent.event_key = previous.event_key
