-- A won deal keeps its first win's time even when it was reopened in between.
WITH merged AS (
  SELECT person.id, person.merged_into
  FROM {{ person }} AS person
  WHERE person.merged_into IS NOT NULL
)
SELECT
  deal.id AS deal_id,
  deal.lead_id,
  COALESCE(merged.merged_into, deal.person_id) AS user_id,
  deal.created AS deal_created,
  GREATEST(
    COALESCE(
      CASE deal.status WHEN 'won' THEN deal.won WHEN 'lost' THEN deal.lost END,
      deal.closed,
      deal.created
    ),
    deal.created
  ) AS outcome_at,
  CASE deal.status WHEN 'won' THEN 'won' WHEN 'lost' THEN 'lost' ELSE 'open' END AS status,
  deal.amount AS deal_value,
  UPPER(deal.currency) AS currency
FROM {{ deal }} AS deal
LEFT JOIN merged ON merged.id = deal.person_id
WHERE NOT COALESCE(deal.is_deleted, FALSE)
  AND deal.status IN ('open', 'won', 'lost')
  AND deal.created IS NOT NULL
  AND COALESCE(deal.lead_id, deal.person_id) IS NOT NULL
