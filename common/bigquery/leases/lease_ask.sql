UPDATE {{ leases }}
SET pending = @trigger
WHERE
  name = @name
  AND holder IS NOT NULL
  AND expires_at >= CURRENT_TIMESTAMP()
  AND (pending IS NULL OR pending = @trigger)
