  -- who counted before the window, under the persons of today: a login learned later still counts
  SELECT DISTINCT COALESCE(of_user.key, known.person_key) AS key
  FROM (
    SELECT counted.person_key
    FROM (
      -- of all rows less those from the window on, so that of history no day is read besides the key
      SELECT IF(target.person_key IS NULL, ERROR({{ lacking }}), target.person_key) AS person_key, 1 AS rows_
      FROM {{ target }} AS target
      UNION ALL
      SELECT target.person_key, -1 AS rows_
      FROM {{ target }} AS target
      WHERE target.date >= @start_date
    ) AS counted
    GROUP BY counted.person_key
    HAVING SUM(counted.rows_) > 0
  ) AS known
  LEFT JOIN (
    SELECT
      {{ client }} AS person_key,
      {{ user }} AS key
    FROM linked
  ) AS of_user ON of_user.person_key = known.person_key
