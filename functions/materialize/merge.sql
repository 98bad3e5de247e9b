MERGE INTO {{ target }} AS target
USING (
  SELECT d.*
  FROM {{ difference }} AS d
  -- a writer that lost its lease while it waited changes nothing
  WHERE (SELECT MAX(leases.fence) FROM {{ leases }} AS leases WHERE leases.name = @lease) = @fence
) AS source
ON
  target.{{ key }} = source.{{ key }}
  AND target.date = source.old_date
  AND target.date BETWEEN @start_date AND @end_date
WHEN MATCHED AND source.change = 'delete' THEN DELETE
WHEN MATCHED THEN UPDATE SET {{ assignments }}
WHEN NOT MATCHED AND source.change = 'insert' THEN INSERT ({{ columns }}) VALUES ({{ values }})
