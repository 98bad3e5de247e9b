  -- the events that any of the definitions counts
  SELECT every.*
  FROM (
{{ events }}
  ) AS every
  WHERE ARRAY_LENGTH(every.counted_by) > 0
