-- What platforms have taken back of erased persons, or never will, and have had time to refuse.
DELETE FROM {{ table }} AS entry
WHERE EXISTS (
  SELECT 1
  FROM (
    SELECT known.destination, known.account, known.conversion, known.conversion_id
    FROM {{ attempts }} AS known
    GROUP BY known.destination, known.account, known.conversion, known.conversion_id
    HAVING
      LOGICAL_OR(known.state = 'erased')
      AND MAX(known.happened_at) < TIMESTAMP_SUB(@now, INTERVAL 3 DAY)
      AND ARRAY_AGG(
        known.state ORDER BY known.recorded_at DESC, known.fence DESC, known.seq DESC LIMIT 1
      )[OFFSET(0)] NOT IN ('erased', 'sending', 'unknown', 'retry', 'requested', 'absent')
  ) AS settled
  WHERE
    settled.destination = entry.destination
    AND settled.account = entry.account
    AND settled.conversion = entry.conversion
    AND settled.conversion_id = entry.conversion_id
)
