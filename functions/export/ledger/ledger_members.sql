known_members AS (
  -- what the platform was given of each conversion of this list, the latest first
  SELECT
    member.conversion, member.conversion_id, member.identifiers, MAX(member.recorded_at) AS latest
  FROM {{ members }} AS member
  WHERE
    member.destination = @destination AND member.account = @account AND member.left_by IS NULL
  GROUP BY member.conversion, member.conversion_id, member.identifiers
),
list_entries AS (
  -- a later refusal takes back the acceptance of its own request
  SELECT
    attempt.*,
    attempt.request_id IS NOT NULL
    AND attempt.recorded_at < MAX(
      IF(attempt.state IN ('absent', 'failed', 'parked', 'unknown'), attempt.recorded_at, NULL)
    ) OVER (PARTITION BY attempt.conversion, attempt.conversion_id, attempt.request_id) AS is_void
  FROM {{ attempts }} AS attempt
  WHERE attempt.destination = @destination AND attempt.account = @account
),
holders AS (
  -- conversions of any kind whose person the list holds, or may hold
  SELECT holder.conversion, holder.conversion_id
  FROM (
    SELECT attempt.conversion, attempt.conversion_id, attempt.op
    FROM list_entries AS attempt
    WHERE attempt.state IN ('accepted', 'unknown') AND attempt.is_void IS NOT TRUE
    QUALIFY
      ROW_NUMBER() OVER (
        PARTITION BY attempt.conversion, attempt.conversion_id
        ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC
      ) = 1
  ) AS holder
  WHERE holder.op <> 'retract'
),
members AS (
  SELECT
    known.conversion_id,
    ARRAY_AGG(known.identifiers ORDER BY known.latest DESC, known.identifiers) AS identifiers
  FROM known_members AS known
  WHERE known.conversion = @conversion
  GROUP BY known.conversion_id
),
claims AS (
  -- who else holds the same identifier: a person leaves with the last of their reasons
  SELECT
    own.conversion_id,
    ARRAY_AGG(
      CONCAT(other.identifiers, '\x1f', other.conversion, '/', other.conversion_id)
      ORDER BY other.identifiers, other.conversion, other.conversion_id
    ) AS held_by
  FROM known_members AS own
  INNER JOIN known_members AS other
    ON
      other.identifiers = own.identifiers
      AND NOT (other.conversion = own.conversion AND other.conversion_id = own.conversion_id)
  INNER JOIN holders
    ON
      holders.conversion = other.conversion
      AND holders.conversion_id = other.conversion_id
  WHERE own.conversion = @conversion
  GROUP BY own.conversion_id
)
