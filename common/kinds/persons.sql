  SELECT previous.* REPLACE (
    COALESCE(
      CONCAT('user:', (IF(own.user_id IS NULL, NULL, previous.user_id))),
      CONCAT('user:', linked.user_id),
      CONCAT('user:', recent.user_id),
      CONCAT('client:', previous.client_id)
    ) AS person_id
  )
  FROM {{ previous }} AS previous
  LEFT JOIN (SELECT DISTINCT links.user_id FROM links) AS own ON own.user_id = previous.user_id
  LEFT JOIN linked ON linked.client_id = previous.client_id
  LEFT JOIN recent ON recent.event_key = previous.event_key
