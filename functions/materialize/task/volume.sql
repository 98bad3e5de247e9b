SELECT event.event_key
FROM {{ stage }} AS event
WHERE event.date = @day_before AND event.shard = @shard AND event.property = @property
LIMIT 1
