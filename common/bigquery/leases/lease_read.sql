SELECT fence, holder, pending, expires_at
FROM {{ leases }}
WHERE name = @name
ORDER BY fence DESC
