UPDATE {{ leases }}
SET holder = NULL
WHERE name = @name AND fence = @fence
