members AS (
  -- what the platform knows people by, the latest first
  SELECT
    known.conversion_id,
    ARRAY_AGG(known.identifiers ORDER BY known.latest DESC) AS identifiers
  FROM (
    SELECT member.conversion_id, member.identifiers, MAX(member.recorded_at) AS latest
    FROM {{ members }} AS member
    WHERE
      member.destination = @destination
      AND member.account = @account
      AND member.conversion = @conversion
    GROUP BY member.conversion_id, member.identifiers
  ) AS known
  GROUP BY known.conversion_id
)
