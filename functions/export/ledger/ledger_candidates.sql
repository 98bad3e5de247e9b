-- Conversions that may need something, each with what the ledger knows of it, in a stable order.
WITH
{{ delivery_state }},
{{ proof }},
{{ members }},
status AS (
  -- a table in which no row has a status has no such column: then every row counts as qualified
  SELECT COUNTIF(conversion.is_qualified IS NOT NULL) > 0 AS known
  FROM {{ conversions }} AS conversion
)
SELECT
  COALESCE(conversion.id, delivery_state.conversion_id) AS row_id,
  IF(conversion.id IS NULL, delivery_state.conversion_date, conversion.date) AS row_date,
  conversion.id IS NULL AS row_missing,
  {{ columns }},
  conversion.params,
  IF(status.known, conversion.is_qualified, TRUE) AS is_qualified,
  {{ known }},
  departed.proved_at AS gone_at,
  members.identifiers AS known_members,
  claims.held_by AS known_claims
FROM {{ conversions }} AS conversion
FULL JOIN delivery_state ON delivery_state.conversion_id = conversion.id
LEFT JOIN departed ON conversion.id IS NULL AND departed.conversion_id = delivery_state.conversion_id
-- also of a row that no entry tells of: a kill came between its members and its first entry
LEFT JOIN members ON members.conversion_id = COALESCE(conversion.id, delivery_state.conversion_id)
LEFT JOIN claims ON claims.conversion_id = COALESCE(conversion.id, delivery_state.conversion_id)
CROSS JOIN status
WHERE
  CASE
    -- never looked at: what is older than the destination is sent by a replay only
    WHEN delivery_state.conversion_id IS NULL THEN conversion.date >= @start_date
    WHEN
      conversion.id IS NOT NULL
      THEN
        delivery_state.state IN ('sending', 'unknown', 'retry', 'requested', 'absent', 'erased')
        -- no hash says that the row has to be looked at again
        OR COALESCE(delivery_state.row_hash <> conversion.row_hash, TRUE)
        -- a destination that was saved may want by now what it refused before
        OR (
          delivery_state.state IN ('skipped', 'rejected', 'parked', 'failed', 'unsupported_change')
          AND COALESCE(delivery_state.destination_version, 0) <> @version
        )
        OR (delivery_state.state = 'parked' AND delivery_state.happened_at < @parked_before)
        OR (delivery_state.state = 'failed' AND delivery_state.is_newly_in_doubt)
        OR delivery_state.is_refused_in_doubt
        -- a membership that ends is renewed before it does
        OR (delivery_state.holding AND delivery_state.held_at < @joined_before)
        OR (
          @restate_all
          AND delivery_state.holding
          AND delivery_state.held_payload_version <> @payload_version
        )
    WHEN
      delivery_state.holding OR delivery_state.in_doubt_op IS NOT NULL
      THEN
        departed.proved_at IS NOT NULL
        -- what was written of a row that is gone has no hash: it needs to be said once
        AND NOT (
          delivery_state.row_hash IS NULL
          AND (
            delivery_state.state IN ('unsupported_change', 'ambiguous', 'rejected')
            OR (
              delivery_state.state = 'failed'
              AND NOT (delivery_state.is_newly_in_doubt OR delivery_state.is_refused_in_doubt)
            )
            OR (delivery_state.state = 'parked' AND delivery_state.happened_at >= @parked_before)
          )
        )
    ELSE
      delivery_state.state IN ('sending', 'unknown', 'retry', 'requested', 'absent', 'erased')
      OR (delivery_state.state = 'parked' AND delivery_state.happened_at < @parked_before)
  END
ORDER BY row_missing, row_date, row_id
{{ limit }}
