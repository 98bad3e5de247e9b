-- Has every platform that was sent a conversion of the person asked to take it back, once.
INSERT INTO {{ attempts }} (
  date, happened_at, recorded_at, destination, account, conversion, conversion_id, conversion_date,
  dedup_key, run_id, fence, seq, state, reason
)
SELECT
  DATE(@now), @now, CURRENT_TIMESTAMP(), sent.destination, sent.account,
  sent.conversion, sent.conversion_id, sent.conversion_date, sent.dedup_key, 'erasure', 0, 0,
  'erased', 'erased'
FROM {{ attempts }} AS sent
WHERE
  sent.conversion = @conversion
  AND (
    sent.conversion_id IN (SELECT held.id FROM {{ conversions }} AS held WHERE {{ in_table }})
    OR sent.conversion_id IN (
      SELECT held.id
      FROM {{ changes }} AS held
      WHERE held.definition_id = @conversion AND ({{ in_changes }})
    )
    OR JSON_VALUE(sent.identity, '$.client_id') IN UNNEST(@ids)
  )
  AND NOT EXISTS (
    SELECT 1 FROM {{ attempts }} AS asked
    WHERE
      asked.state = 'erased'
      AND asked.destination = sent.destination
      AND asked.account = sent.account
      AND asked.conversion = sent.conversion
      AND asked.conversion_id = sent.conversion_id
  )
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY sent.destination, sent.account, sent.conversion, sent.conversion_id
    ORDER BY sent.recorded_at DESC, sent.fence DESC, sent.seq DESC
  ) = 1
