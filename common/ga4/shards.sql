SELECT entry.dataset, entry.shard, entry.rows_total, entry.changed_at
FROM {{ shards }} AS entry
QUALIFY ROW_NUMBER() OVER (PARTITION BY entry.dataset, entry.shard ORDER BY entry.recorded_at DESC) = 1
