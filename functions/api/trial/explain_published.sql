SELECT conversion.id, conversion.date, conversion.updated_at
FROM {{ conversion }} AS conversion
WHERE conversion.id = @key OR conversion.order_id = @key
ORDER BY conversion.created, conversion.id
LIMIT 1
