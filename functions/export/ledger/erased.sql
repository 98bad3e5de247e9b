-- Deliveries of erased persons that are done with: what platforms have taken back, or never will, and
-- have had time to refuse; and whatever is left of them after a month.
SELECT
  CONCAT(known.destination, '\x1f', known.account, '\x1f', known.conversion, '\x1f', known.conversion_id) AS key,
  known.destination,
  known.state IN UNNEST(@open) AS is_open
FROM (
  SELECT
    entry.destination,
    entry.account,
    entry.conversion,
    entry.conversion_id,
    ARRAY_AGG(
      entry.state ORDER BY entry.recorded_at DESC, entry.fence DESC, entry.seq DESC LIMIT 1
    )[OFFSET(0)] AS state,
    MAX(entry.happened_at) AS happened_at,
    MIN(IF(entry.state = 'erased', entry.happened_at, NULL)) AS erased_at
  FROM {{ attempts }} AS entry
  -- the mark and all that came after it
  WHERE entry.date >= @since
  GROUP BY entry.destination, entry.account, entry.conversion, entry.conversion_id
) AS known
WHERE
  known.erased_at < @erased_before
  OR (
    known.erased_at IS NOT NULL
    AND known.happened_at < @answered_before
    AND known.state NOT IN UNNEST(@open)
  )
