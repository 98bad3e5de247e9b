MERGE INTO {{ target }} AS target
USING (
  SELECT d.*
  FROM {{ difference }} AS d{{ fenced }}
) AS source
ON
  target.{{ key }} = source.{{ key }}
  -- a row that is new finds itself where a write before this one has brought it already
  AND target.date = COALESCE(source.old_date, source.date)
  AND target.date BETWEEN @first_date AND @last_date
WHEN MATCHED AND source.change = 'delete' THEN DELETE
WHEN MATCHED THEN UPDATE SET {{ assignments }}
WHEN NOT MATCHED AND source.change = 'insert' THEN INSERT ({{ columns }}) VALUES ({{ values }})
