UPDATE {{ leases }}
SET
  pending = CASE
    WHEN pending IS NULL THEN @trigger
    WHEN @trigger IN UNNEST(SPLIT(pending, '\n')) THEN pending
    ELSE CONCAT(pending, '\n', @trigger)
  END
WHERE name = @name AND holder IS NOT NULL AND expires_at >= CURRENT_TIMESTAMP()
