  -- published rows under the persons of today, so that a login learned later still counts, and under those of that
  -- time, so that one that is forgotten by now does too
  SELECT key, MAX(counted.created) AS created
  FROM (
    SELECT
      target.created,
      target.client_id,
      IF(STARTS_WITH(target.person_id, 'user:'), target.person_id, NULL) AS user,
      {{ is_own }} AS is_own
    FROM {{ target }} AS target
    WHERE target.date < @start_date{{ since }}
  ) AS counted
  LEFT JOIN linked ON linked.client_id = counted.client_id
  CROSS JOIN UNNEST([
    counted.user,
    -- who named the user itself tells nothing of its client
    IF(counted.is_own, NULL, COALESCE(CONCAT('user:', linked.user_id), CONCAT('client:', counted.client_id)))
  ]) AS key
  WHERE key IS NOT NULL
  GROUP BY key
