INSERT INTO {{ leases }} (name, fence)
SELECT @name, 0
FROM (SELECT 1)
WHERE NOT EXISTS (SELECT 1 FROM {{ leases }} AS known WHERE known.name = @name)
