UPDATE {{ leases }}
SET holder = NULL, pending = NULL
WHERE name = @name AND holder = @holder AND COALESCE(pending, '') = @seen
