-- Asks again for every conversion of the list that holds one of these identifiers: a removal that arrived
-- late may have taken out who had joined by it meanwhile.
INSERT INTO {{ attempts }} (
  date, happened_at, recorded_at, destination, account, conversion, conversion_id, conversion_date,
  dedup_key, run_id, fence, seq, state, reason, row_hash, destination_version, payload_version
)
WITH
{{ members }},
joining AS (
  -- also who is on the way in: whether they arrive before the removal or after it nobody knows
  SELECT newest.conversion, newest.conversion_id
  FROM (
    SELECT attempt.conversion, attempt.conversion_id, attempt.op
    FROM list_entries AS attempt
    WHERE attempt.state IN ('sending', 'accepted', 'unknown') AND attempt.is_void IS NOT TRUE
    QUALIFY
      ROW_NUMBER() OVER (
        PARTITION BY attempt.conversion, attempt.conversion_id
        ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC
      ) = 1
  ) AS newest
  WHERE newest.op <> 'retract'
)
SELECT
  DATE(@now), @now, CURRENT_TIMESTAMP(), newest.destination, newest.account, newest.conversion,
  newest.conversion_id, newest.conversion_date, newest.dedup_key, @run_id, @fence, 0, 'requested',
  'late_removal', newest.row_hash, newest.destination_version, newest.payload_version
FROM list_entries AS newest
INNER JOIN joining
  ON
    joining.conversion = newest.conversion
    AND joining.conversion_id = newest.conversion_id
WHERE
  EXISTS (
    SELECT 1 FROM known_members AS known
    WHERE
      known.conversion = newest.conversion
      AND known.conversion_id = newest.conversion_id
      AND known.identifiers IN UNNEST(@removed)
  )
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY newest.conversion, newest.conversion_id
    ORDER BY newest.recorded_at DESC, newest.fence DESC, newest.seq DESC
  ) = 1
