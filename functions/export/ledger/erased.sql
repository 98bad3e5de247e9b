-- Deliveries of erased persons that are done with: what platforms have taken back, or never will, and
-- can refuse no more; and whatever is left of them after a month.
WITH
waiting AS (
  -- accepted, and the platform may still say that it was not
  SELECT request.destination, request.request_id
  FROM {{ requests }} AS request
  WHERE request.date >= @since
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY request.destination, request.request_id
      ORDER BY request.polls DESC, request.recorded_at DESC
    ) = 1
    AND request.next_poll_at IS NOT NULL
)
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
    LOGICAL_OR(waiting.request_id IS NOT NULL) AS is_waiting,
    MIN(IF(entry.state = 'erased', entry.happened_at, NULL)) AS erased_at
  FROM {{ attempts }} AS entry
  LEFT JOIN waiting
    ON waiting.destination = entry.destination AND waiting.request_id = entry.request_id
  -- the mark and all that came after it
  WHERE entry.date >= @since
  GROUP BY entry.destination, entry.account, entry.conversion, entry.conversion_id
) AS known
WHERE
  known.erased_at < @erased_before
  OR (
    known.erased_at IS NOT NULL
    AND NOT known.is_waiting
    AND known.state NOT IN UNNEST(@open)
  )
