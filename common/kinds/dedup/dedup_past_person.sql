  -- who counted before the window, and when last
  SELECT known.key, MAX(known.created) AS created
  FROM (
{{ published }}
  UNION ALL
    -- whoever bought and gave everything back has bought before
    SELECT past_persons.person_id AS key, past_persons.created
    FROM past_persons
  ) AS known
  GROUP BY known.key
