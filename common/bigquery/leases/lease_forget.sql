UPDATE {{ leases }}
SET pending = NULLIF(@left, '')
WHERE name = @name AND fence = @fence AND pending = @seen
