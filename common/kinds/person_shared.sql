  -- a user id shared by more client ids than a person has devices is a test account or a constant
  SELECT event.user_id
  FROM {{ stage }} AS event
  WHERE event.date BETWEEN DATE_SUB(@end_date, INTERVAL 180 DAY) AND @end_date AND event.user_id IS NOT NULL
  GROUP BY event.user_id
  HAVING COUNT(DISTINCT event.client_id) > 50
