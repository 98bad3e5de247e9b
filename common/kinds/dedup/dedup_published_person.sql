  -- published rows under the persons of today, so that a login learned later still counts
  SELECT
    COALESCE(
      IF(STARTS_WITH(target.person_id, 'user:'), target.person_id, NULL),
      CONCAT('user:', linked.user_id),
      CONCAT('client:', target.client_id)
    ) AS key,
    MAX(target.created) AS created
  FROM {{ target }} AS target
  LEFT JOIN linked ON linked.client_id = target.client_id
  WHERE target.date < @start_date{{ since }}
  GROUP BY 1
