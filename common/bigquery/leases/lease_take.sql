-- what was asked of a holder that died is inherited
UPDATE {{ leases }}
SET
  holder = @holder,
  fence = fence + 1,
  expires_at = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL @seconds SECOND)
WHERE
  name = @name
  AND (holder IS NULL OR holder = @holder OR expires_at < CURRENT_TIMESTAMP())
  AND (@free_fence IS NULL OR (fence = @free_fence AND holder IS NULL))
