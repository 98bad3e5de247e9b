SELECT partitions.table_name, partitions.partition_id, partitions.total_rows, partitions.total_logical_bytes
FROM {{ dataset }}.INFORMATION_SCHEMA.PARTITIONS AS partitions
WHERE partitions.total_rows > 0 AND partitions.table_name BETWEEN @first AND @last
