-- The newest candidates that each reason left out.
WITH judged AS (
  SELECT c.id, c.created, c.net_value AS value, c.currency, c.removed, {{ reason }} AS reason
  FROM {{ candidates }} AS c
),
dropped AS (
  SELECT
    judged.id, judged.created, judged.value, judged.currency,
    COALESCE(judged.removed, judged.reason) AS outcome
  FROM judged
),
ranked AS (
  SELECT
    dropped.*,
    ROW_NUMBER() OVER (PARTITION BY dropped.outcome ORDER BY dropped.created DESC, dropped.id) AS place
  FROM dropped
  WHERE dropped.outcome IS NOT NULL
)
SELECT ranked.outcome, ranked.id, ranked.created, ranked.value, ranked.currency
FROM ranked
WHERE ranked.place <= {{ limit }}
ORDER BY ranked.outcome, ranked.place
