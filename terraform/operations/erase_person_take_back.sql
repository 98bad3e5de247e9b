-- Has every platform that was sent a conversion of the person asked to take it back, once.
INSERT INTO {{ attempts }} (
  date, happened_at, recorded_at, destination, account, conversion, conversion_id, conversion_date,
  dedup_key, run_id, fence, seq, state, reason
)
SELECT
  DATE(@now), @now, CURRENT_TIMESTAMP(), delivery.destination, delivery.account,
  delivery.conversion, delivery.conversion_id, delivery.conversion_date, delivery.dedup_key, 'erasure', 0, 0,
  'erased', 'erased'
FROM {{ attempts }} AS delivery
WHERE
  delivery.conversion = @conversion
  AND (
    {{ of_person }}
    OR JSON_VALUE(delivery.identity, '$.client_id') IN UNNEST(@ids)
  )
  AND NOT EXISTS (
    SELECT 1 FROM {{ attempts }} AS asked
    WHERE
      asked.state = 'erased'
      AND asked.destination = delivery.destination
      AND asked.account = delivery.account
      AND asked.conversion = delivery.conversion
      AND asked.conversion_id = delivery.conversion_id
  )
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY delivery.destination, delivery.account, delivery.conversion, delivery.conversion_id
    ORDER BY delivery.recorded_at DESC, delivery.fence DESC, delivery.seq DESC
  ) = 1
