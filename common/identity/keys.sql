  -- who counted before, under the persons of today, so that a login learned later still counts, and under
  -- those of that time, so that one that is forgotten by now does too
  SELECT DISTINCT COALESCE(of_user.key, known.key) AS key
  FROM (
    SELECT counted.key
    FROM (
      -- of all rows less those from the window on, so that of history no day is read besides the keys
      SELECT IF(target.person_key IS NULL, ERROR({{ lacking }}), target.person_key) AS key, 1 AS rows_
      FROM {{ target }} AS target
      UNION ALL
      SELECT target.client_key, 1 AS rows_
      FROM {{ target }} AS target
      UNION ALL
      SELECT target.person_key, -1 AS rows_
      FROM {{ target }} AS target
      WHERE target.date >= @start_date
      UNION ALL
      SELECT target.client_key, -1 AS rows_
      FROM {{ target }} AS target
      WHERE target.date >= @start_date
    ) AS counted
    GROUP BY counted.key
    HAVING SUM(counted.rows_) > 0
  ) AS known
  LEFT JOIN (
    SELECT
      {{ client }} AS client_key,
      {{ user }} AS key
    FROM linked
  ) AS of_user ON of_user.client_key = known.key
