  -- which clients counted before the window, and when last
  SELECT target.client_id AS key, MAX(target.created) AS created
  FROM {{ target }} AS target
  WHERE target.date < @start_date{{ since }} AND target.client_id IS NOT NULL
  GROUP BY 1
