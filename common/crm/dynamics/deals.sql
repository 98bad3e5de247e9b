-- Opportunity states: 0 open, 1 won, 2 lost; a lead in state 2 was disqualified without a deal.
-- Loaders write the state as a number or as its English label; labels in stringmap may be in any
-- language, so that the code alone tells won from lost.
WITH masters AS (
  SELECT lead.leadid, COALESCE(lead.master_id, lead.leadid) AS lead_id
  FROM {{ lead }} AS lead
)
SELECT
  deal.opportunityid AS deal_id,
  master.lead_id,
  IF(master.lead_id IS NULL, deal.contact_id, NULL) AS user_id,
  deal.created AS deal_created,
  GREATEST(COALESCE(deal.closed, deal.modified, deal.created), deal.created) AS outcome_at,
  CASE LOWER(deal.state)
    WHEN 'won' THEN 'won'
    WHEN '1' THEN 'won'
    WHEN 'lost' THEN 'lost'
    WHEN '2' THEN 'lost'
    ELSE 'open'
  END AS status,
  deal.amount AS deal_value,
  UPPER(currency.isocurrencycode) AS currency
FROM {{ opportunity }} AS deal
LEFT JOIN masters AS master ON master.leadid = deal.lead_id
LEFT JOIN {{ transactioncurrency }} AS currency
  ON currency.transactioncurrencyid = deal.currency_id
WHERE NOT COALESCE(deal.is_deleted, FALSE)
  AND deal.created IS NOT NULL
  AND COALESCE(master.lead_id, deal.contact_id) IS NOT NULL
UNION ALL
SELECT
  CONCAT('lead-', lead.leadid),
  lead.leadid,
  CAST(NULL AS STRING),
  lead.created,
  GREATEST(COALESCE(lead.modified, lead.created), lead.created),
  'lost',
  CAST(NULL AS FLOAT64),
  CAST(NULL AS STRING)
FROM {{ lead }} AS lead
WHERE LOWER(lead.state) IN ('disqualified', '2')
  AND NOT COALESCE(lead.is_deleted, FALSE)
  AND lead.master_id IS NULL
  AND lead.created IS NOT NULL
