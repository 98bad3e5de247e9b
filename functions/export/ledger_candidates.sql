-- Conversions that may need something, each with what the ledger knows of it, in a stable order.
WITH
{{ standing }},
present AS (
  SELECT
    {{ columns }},
    conversion.params,
    IF(status.known, conversion.is_qualified, TRUE) AS is_qualified,
    {{ known }},
    CAST(NULL AS TIMESTAMP) AS gone_at
  FROM {{ conversions }} AS conversion
  CROSS JOIN status
  LEFT JOIN standing ON standing.conversion_id = conversion.id
  WHERE
    IF(
      standing.conversion_id IS NULL,
      conversion.date >= @start_date,
      standing.state IN ('sending', 'unknown', 'retry', 'requested', 'absent')
      OR COALESCE(standing.row_hash <> conversion.row_hash, standing.row_hash IS NULL OR conversion.row_hash IS NULL)
      OR (
        standing.state IN ('skipped', 'rejected', 'failed', 'unsupported_change')
        AND COALESCE(standing.destination_version, 0) <> @version
      )
      OR (@restate_all AND standing.holding AND standing.held_payload_version <> @payload_version)
    )
),
missing AS (
  SELECT
    {{ nothing }},
    CAST([] AS ARRAY<STRUCT<key STRING, value STRING>>) AS params,
    CAST(NULL AS BOOL) AS is_qualified,
    {{ known }},
    standing.gone_at
  FROM proved AS standing
  WHERE
    IF(
      standing.holding OR standing.doubted_op IS NOT NULL,
      standing.gone_at IS NOT NULL
      AND NOT (
        standing.row_hash IS NULL
        AND standing.state IN ('unsupported_change', 'ambiguous', 'rejected')
      ),
      standing.state IN ('sending', 'unknown', 'retry', 'requested', 'absent')
    )
)
SELECT present.* FROM present
UNION ALL
SELECT missing.* FROM missing
ORDER BY row_missing, row_date, row_id
{{ limit }}
