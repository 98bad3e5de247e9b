  -- of the events of a session only its first one came as far as to ask who it was
  SELECT past.*
  FROM past
  QUALIFY
    past.session_id IS NULL
    OR ROW_NUMBER() OVER (PARTITION BY past.session_id ORDER BY past.created, past.event_key) = 1
