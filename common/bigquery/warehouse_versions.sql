-- the version of each table; one that is partitioned has a row for each of its partitions
SELECT
  part.table_name,
  SUM(part.total_rows) AS rows_total,
  MAX(part.last_modified_time) AS changed_at
FROM {{ partitions }} AS part
WHERE part.table_name BETWEEN @first AND @last
GROUP BY part.table_name
