-- fences begin at the second of creation: a dataset made anew never meets the job ids of the old one
INSERT INTO {{ leases }} (name, fence)
SELECT @name, UNIX_SECONDS(CURRENT_TIMESTAMP())
FROM (SELECT 1)
WHERE NOT EXISTS (SELECT 1 FROM {{ leases }} AS known WHERE known.name = @name)
