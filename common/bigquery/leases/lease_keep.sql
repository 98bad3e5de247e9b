UPDATE {{ leases }}
SET expires_at = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL @seconds SECOND)
WHERE name = @name AND fence = @fence AND holder = @holder
