UPDATE {{ leases }}
SET holder = NULL, pending = NULL
WHERE name = @name AND fence = @fence AND COALESCE(pending, '') = @seen
