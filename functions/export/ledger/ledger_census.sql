-- How many conversions the platform holds, how many of them a run would take back, and how many
-- are left alone because they are older than the destination.
WITH
{{ delivery_state }},
{{ proof }},
known AS (
  SELECT
    COALESCE(delivery_state.holding, FALSE) AS holding,
    conversion.id IS NULL AS is_missing,
    departed.proved_at IS NOT NULL AS is_gone,
    conversion.is_qualified IS FALSE AND @qualified_only AS lost_status,
    delivery_state.conversion_id IS NULL AND conversion.date < @start_date AS is_early
  FROM {{ conversions }} AS conversion
  FULL JOIN delivery_state ON delivery_state.conversion_id = conversion.id
  LEFT JOIN departed ON conversion.id IS NULL AND departed.conversion_id = delivery_state.conversion_id
)
SELECT
  COUNTIF(known.holding) AS held,
  COUNTIF(known.holding AND (known.is_gone OR known.lost_status)) AS leaving,
  COUNTIF(known.holding AND known.is_missing AND known.is_gone IS NOT TRUE) AS unproved,
  COUNTIF(known.is_early) AS early
FROM known
