,
compared AS (
  -- what differs, found by ids and fingerprints alone: rows are wide
  SELECT own.event_key, present.*
  FROM own
  FULL OUTER JOIN present ON present.id = own.id
  WHERE own.id IS NULL OR present.id IS NULL OR own.row_hash <> present.row_hash
)
