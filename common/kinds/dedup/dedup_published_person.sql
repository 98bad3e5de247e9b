  -- published rows under the persons of today, so that a login learned later still counts, and under those of that
  -- time, so that one that is forgotten by now does too
  SELECT counted.key, MAX(counted.created) AS created
  FROM (
    SELECT target.person_id AS key, target.created
    FROM {{ target }} AS target
    WHERE target.date < @start_date{{ since }} AND STARTS_WITH(target.person_id, 'user:')
    UNION ALL
    -- who named the user itself tells nothing of its client
    SELECT COALESCE(CONCAT('user:', linked.user_id), CONCAT('client:', target.client_id)) AS key, target.created
    FROM {{ target }} AS target
    LEFT JOIN linked ON linked.client_id = target.client_id
    WHERE target.date < @start_date{{ since }} AND NOT {{ is_own }}
  ) AS counted
  GROUP BY counted.key
