  -- which client ids and user ids GA4 saw together in the 180 days before the window's end
  SELECT event.client_id, event.user_id, event.occurred_at, TRUE AS in_ga4
  FROM {{ stage }} AS event
  WHERE
    event.date BETWEEN DATE_SUB(@end_date, INTERVAL 180 DAY) AND @end_date
    AND event.client_id IS NOT NULL
    AND event.user_id IS NOT NULL
