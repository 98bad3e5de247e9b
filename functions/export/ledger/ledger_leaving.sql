-- Conversions whose persons a list still holds, or may hold, and is to hold no more: all of them, or
-- only those who asked to be forgotten.
WITH
{{ delivery_state }},
{{ members }}
SELECT
  delivery_state.conversion_id AS row_id,
  delivery_state.conversion_date AS row_date,
  TRUE AS row_missing,
  {{ known }},
  @now AS gone_at,
  members.identifiers AS known_members,
  claims.held_by AS known_claims
FROM delivery_state
LEFT JOIN members ON members.conversion_id = delivery_state.conversion_id
LEFT JOIN claims ON claims.conversion_id = delivery_state.conversion_id
WHERE
  (delivery_state.holding OR delivery_state.in_doubt_op IS NOT NULL)
  AND (@everybody OR delivery_state.erased_at IS NOT NULL)
  -- what was written of a row that is to leave has no hash: it needs to be said once
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
ORDER BY row_date, row_id
{{ limit }}
