-- When a run with this trigger began last; NULL when none did.
SELECT MAX(entry.recorded_at) AS begun
FROM {{ runs }} AS entry
WHERE entry.date >= @since AND entry.trigger = @trigger
