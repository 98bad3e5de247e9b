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
judged AS (
  -- a later refusal takes back the acceptance of its own request and of no other one: that a
  -- change failed does not mean that what it would have changed is gone
  SELECT
    entry.*,
    entry.request_id IS NOT NULL
    AND entry.position < MAX(
      IF(entry.state IN ('absent', 'failed', 'parked', 'unknown'), entry.position, 0)
    ) OVER (PARTITION BY entry.conversion_id, entry.request_id) AS is_void
  FROM entries AS entry
),
proofs AS (
  -- the newest entry, the newest proof, and what took every earlier proof away: the word of a person
  SELECT
    entry.*,
    MAX(entry.position) OVER (PARTITION BY entry.conversion_id) AS newest,
    MAX(IF(entry.state = 'accepted' AND NOT entry.is_void, entry.position, 0)) OVER (
      PARTITION BY entry.conversion_id
    ) AS proof,
    MAX(IF(entry.state = 'accepted', entry.position, 0)) OVER (
      PARTITION BY entry.conversion_id
    ) AS answered,
    MAX(
      IF(entry.state NOT IN ('parked', 'sending', 'retry', 'unknown'), entry.position, 0)
    ) OVER (PARTITION BY entry.conversion_id) AS decided,
    MAX(IF(entry.state = 'absent' AND entry.request_id IS NULL, entry.position, 0)) OVER (
      PARTITION BY entry.conversion_id
    ) AS cleared,
    -- asked for while it was on its way: what arrived may have been taken out again since
    MAX(
      IF(entry.state = 'requested' AND entry.reason = 'late_removal', entry.position, 0)
    ) OVER (PARTITION BY entry.conversion_id) > MAX(
      IF(entry.state = 'sending', entry.position, 0)
    ) OVER (PARTITION BY entry.conversion_id) AS asked_meanwhile
  FROM judged AS entry
),
attempts_since AS (
  -- attempts since the newest proof of which nobody knows what became
  SELECT
    entry.*,
    entry.position > GREATEST(entry.proof, entry.cleared)
    AND (
      entry.state = 'unknown'
      -- an outcome follows at once unless the worker died in between
      OR (
        entry.state = 'sending'
        AND COALESCE(entry.next_state, 'none') NOT IN ('accepted', 'retry', 'rejected', 'parked')
      )
    ) AS in_doubt
  FROM proofs AS entry
),
marked AS (
  SELECT
    entry.*,
    entry.position = entry.newest AS is_newest,
    entry.fingerprint <> MAX(IF(entry.position = entry.newest, entry.fingerprint, NULL)) OVER (
      PARTITION BY entry.conversion_id
    ) AS is_another,
    entry.position > entry.decided
    AND entry.row_hash IS NOT DISTINCT FROM MAX(
      IF(entry.position = entry.newest, entry.row_hash, NULL)
    ) OVER (PARTITION BY entry.conversion_id) AS is_tail,
    entry.position = entry.proof AND entry.proof > entry.cleared AS is_held,
    entry.position = MIN(IF(entry.in_doubt, entry.position, NULL)) OVER (
      PARTITION BY entry.conversion_id
    ) AS is_first_in_doubt
  FROM attempts_since AS entry
),
delivery_state AS (
  -- a mark is on one entry of a conversion at most, so MAX is that entry's value
  SELECT
    entry.conversion_id,
    MAX(IF(entry.is_newest, entry.conversion_date, NULL)) AS conversion_date,
    MAX(
      IF(
        entry.is_newest,
        IF(entry.asked_meanwhile AND entry.state = 'accepted', 'requested', entry.state),
        NULL
      )
    ) AS state,
    MAX(IF(entry.is_newest, entry.reason, NULL)) AS reason,
    MAX(IF(entry.is_newest, entry.row_hash, NULL)) AS row_hash,
    MAX(IF(entry.is_newest, entry.happened_at, NULL)) AS happened_at,
    MAX(IF(entry.is_newest, entry.destination_version, NULL)) AS destination_version,
    MAX(IF(entry.is_held, entry.op, NULL)) AS held_op,
    MAX(IF(entry.is_held, entry.value, NULL)) AS held_value,
    MAX(IF(entry.is_held, entry.currency, NULL)) AS held_currency,
    MAX(IF(entry.is_held, entry.event_time, NULL)) AS held_event_time,
    MAX(IF(entry.is_held, entry.fingerprint, NULL)) AS held_fingerprint,
    MAX(IF(entry.is_held, entry.identity, NULL)) AS held_identity,
    MAX(IF(entry.is_held, entry.happened_at, NULL)) AS held_at,
    MAX(IF(entry.is_held, entry.payload_version, NULL)) AS held_payload_version,
    MAX(IF(entry.is_first_in_doubt, entry.op, NULL)) AS in_doubt_op,
    MAX(IF(entry.is_first_in_doubt, entry.value, NULL)) AS in_doubt_value,
    MAX(IF(entry.is_first_in_doubt, entry.currency, NULL)) AS in_doubt_currency,
    MAX(IF(entry.is_first_in_doubt, entry.event_time, NULL)) AS in_doubt_event_time,
    MAX(IF(entry.is_first_in_doubt, entry.fingerprint, NULL)) AS in_doubt_fingerprint,
    MAX(IF(entry.is_first_in_doubt, entry.identity, NULL)) AS in_doubt_identity,
    MAX(IF(entry.is_first_in_doubt, entry.happened_at, NULL)) AS in_doubt_at,
    COUNTIF(entry.in_doubt AND entry.op = 'retract') > 0 AS in_doubt_gone,
    COUNTIF(entry.in_doubt AND entry.position > entry.answered) > 0 AS is_newly_in_doubt,
    -- another payload than one in doubt was accepted since, and refused later
    COUNTIF(entry.is_newest AND entry.state = 'failed') > 0
    AND COUNTIF(entry.in_doubt AND entry.position > entry.answered) = 0
    AND COUNTIF(entry.in_doubt AND entry.is_another) > 0 AS is_refused_in_doubt,
    -- since when, and how often, the platform refuses it as it is, and nothing else was decided
    MIN(IF(entry.state = 'parked' AND entry.is_tail, entry.happened_at, NULL)) AS parked_since,
    COUNTIF(entry.state = 'parked' AND entry.is_tail) AS parked_times,
    MAX(IF(entry.state = 'erased', entry.happened_at, NULL)) AS erased_at,
    COALESCE(MAX(IF(entry.is_held, entry.op, NULL)), 'retract') <> 'retract' AS holding
  FROM marked AS entry
  GROUP BY entry.conversion_id
)
