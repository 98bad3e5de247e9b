UPDATE {{ leases }}
SET
  holder = @holder,
  fence = fence + 1,
  pending = NULL,
  expires_at = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL @seconds SECOND)
WHERE name = @name AND (holder IS NULL OR holder = @holder OR expires_at < CURRENT_TIMESTAMP())
