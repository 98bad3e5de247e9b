entries AS (
  SELECT
    attempt.*,
    ROW_NUMBER() OVER (
      PARTITION BY attempt.conversion_id ORDER BY attempt.recorded_at, attempt.fence, attempt.seq
    ) AS position,
    LEAD(attempt.state) OVER (
      PARTITION BY attempt.conversion_id ORDER BY attempt.recorded_at, attempt.fence, attempt.seq
    ) AS next_state
  FROM {{ attempts }} AS attempt
  WHERE
    attempt.destination = @destination
    AND attempt.account = @account
    AND attempt.conversion = @conversion
),
marks AS (
  -- the newest entry, the newest proof, and what took every earlier proof away
  SELECT
    entry.conversion_id,
    MAX(entry.position) AS last_position,
    COALESCE(MAX(IF(entry.state = 'accepted', entry.position, NULL)), 0) AS proof,
    COALESCE(MAX(IF(entry.state IN ('absent', 'failed'), entry.position, NULL)), 0) AS cleared
  FROM entries AS entry
  GROUP BY entry.conversion_id
),
doubts AS (
  -- the first attempt since then of which nobody knows what became
  SELECT entry.conversion_id, MIN(entry.position) AS doubt
  FROM entries AS entry
  JOIN marks AS mark ON mark.conversion_id = entry.conversion_id
  WHERE
    entry.position > GREATEST(mark.proof, mark.cleared)
    AND (
      entry.state = 'unknown'
      OR (
        entry.state = 'sending'
        AND COALESCE(entry.next_state, 'none') NOT IN ('accepted', 'retry', 'rejected')
      )
    )
  GROUP BY entry.conversion_id
),
standing AS (
  SELECT
    mark.conversion_id,
    newest.conversion_date,
    newest.state,
    newest.reason,
    newest.row_hash,
    newest.destination_version,
    held.op AS held_op,
    held.value AS held_value,
    held.currency AS held_currency,
    held.event_time AS held_event_time,
    held.fingerprint AS held_fingerprint,
    held.identity AS held_identity,
    held.happened_at AS held_at,
    held.payload_version AS held_payload_version,
    doubted.op AS doubted_op,
    doubted.value AS doubted_value,
    doubted.currency AS doubted_currency,
    doubted.event_time AS doubted_event_time,
    doubted.fingerprint AS doubted_fingerprint,
    doubted.identity AS doubted_identity,
    doubted.happened_at AS doubted_at,
    COALESCE(held.op, 'retract') <> 'retract' AS holding
  FROM marks AS mark
  JOIN entries AS newest
    ON newest.conversion_id = mark.conversion_id AND newest.position = mark.last_position
  LEFT JOIN entries AS held
    ON held.conversion_id = mark.conversion_id
    AND held.position = mark.proof
    AND mark.proof > mark.cleared
  LEFT JOIN doubts AS doubt ON doubt.conversion_id = mark.conversion_id
  LEFT JOIN entries AS doubted
    ON doubted.conversion_id = mark.conversion_id AND doubted.position = doubt.doubt
),
gone AS (
  SELECT standing.*
  FROM standing
  WHERE
    NOT EXISTS (
      SELECT 1 FROM {{ conversions }} AS conversion WHERE conversion.id = standing.conversion_id
    )
),
covering AS (
  -- the newest finished run of the table over the day of each row that is gone
  SELECT gone.conversion_id, run.status, run.rows_read, run.recorded_at
  FROM gone
  JOIN {{ runs }} AS run
    ON gone.conversion_date BETWEEN run.start_date AND run.end_date
  WHERE
    run.conversion = @conversion
    AND run.status IN ('applied', 'unchanged', 'recovered', 'held', 'failed')
  QUALIFY ROW_NUMBER() OVER (PARTITION BY gone.conversion_id ORDER BY run.recorded_at DESC) = 1
),
proved AS (
  -- gone for good: a healthy run that read rows says so, and it ran after what was sent
  SELECT gone.*, covering.recorded_at AS gone_at
  FROM gone
  LEFT JOIN covering
    ON covering.conversion_id = gone.conversion_id
    AND covering.status IN ('applied', 'unchanged', 'recovered')
    AND COALESCE(covering.rows_read, 1) > 0
    AND covering.recorded_at > COALESCE(gone.held_at, gone.doubted_at, TIMESTAMP '1970-01-01 00:00:00+00')
),
status AS (
  -- a table in which no row has a status has no such column: then every row counts as qualified
  SELECT COUNTIF(conversion.is_qualified IS NOT NULL) > 0 AS known
  FROM {{ conversions }} AS conversion
)
