-- A deal belongs to the lead that was converted into it; a close date is a day without an hour.
WITH origins AS (
  SELECT COALESCE(lead.master_record_id, lead.id) AS lead_id, lead.opportunity_id
  FROM {{ lead }} AS lead
  WHERE lead.opportunity_id IS NOT NULL
    AND COALESCE(lead.is_current, TRUE)
    AND (NOT COALESCE(lead.is_deleted, FALSE) OR lead.master_record_id IS NOT NULL)
)
SELECT
  deal.id AS deal_id,
  origin.lead_id,
  CAST(NULL AS STRING) AS user_id,
  deal.created AS deal_created,
  GREATEST(COALESCE(deal.closed, deal.created), deal.created) AS outcome_at,
  CASE
    WHEN deal.is_won AND COALESCE(deal.is_closed, TRUE) THEN 'won'
    WHEN deal.is_closed THEN 'lost'
    ELSE 'open'
  END AS status,
  deal.amount AS deal_value,
  UPPER(deal.currency) AS currency
FROM {{ opportunity }} AS deal
INNER JOIN origins AS origin ON origin.opportunity_id = deal.id
WHERE NOT COALESCE(deal.is_deleted, FALSE)
  AND COALESCE(deal.is_current, TRUE)
  AND deal.created IS NOT NULL
