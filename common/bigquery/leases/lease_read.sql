SELECT fence, holder, pending
FROM {{ leases }}
WHERE name = @name
ORDER BY fence DESC
