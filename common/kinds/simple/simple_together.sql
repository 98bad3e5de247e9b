  -- the events that any of the definitions counts
  SELECT every.*
  FROM (
{{ events }}
  ) AS every
  WHERE every.counted_by <> '|'
