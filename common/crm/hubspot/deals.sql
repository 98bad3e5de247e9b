-- The stage's flags tell won from lost; its id and label may say anything.
WITH twins AS (
  SELECT merged.merged_deal_id AS twin_id, MAX(merged.deal_id) AS deal_id
  FROM {{ merged_deal }} AS merged
  WHERE merged.merged_deal_id <> merged.deal_id
  GROUP BY merged.merged_deal_id
),
merges AS (
  SELECT audit.vid_to_merge AS merged_id, audit.canonical_vid AS id
  FROM {{ contact_merge_audit }} AS audit
  UNION DISTINCT
  SELECT TRIM(merged_id) AS merged_id, contact.id
  FROM {{ contact }} AS contact
  CROSS JOIN UNNEST(SPLIT(contact.merged_ids, ';')) AS merged_id
  WHERE contact.merged_ids IS NOT NULL
),
folded AS (
  SELECT once.merged_id, MAX(COALESCE(twice.id, once.id)) AS id
  FROM merges AS once
  LEFT JOIN merges AS twice ON twice.merged_id = once.id
  WHERE once.merged_id <> once.id
  GROUP BY once.merged_id
),
people AS (
  SELECT DISTINCT
    COALESCE(twins.deal_id, link.deal_id) AS deal_id,
    COALESCE(folded.id, link.contact_id) AS contact_id
  FROM {{ deal_contact }} AS link
  LEFT JOIN twins ON twins.twin_id = link.deal_id
  LEFT JOIN folded ON folded.merged_id = link.contact_id
),
entered AS (
  SELECT history.deal_id, history.value AS stage_id, MAX(history.date_entered) AS entered
  FROM {{ deal_stage }} AS history
  GROUP BY history.deal_id, history.value
),
staged AS (
  SELECT
    deal.deal_id,
    deal.created,
    deal.amount,
    UPPER(deal.currency) AS currency,
    GREATEST(COALESCE(entered.entered, deal.closed, deal.created), deal.created) AS outcome_at,
    COALESCE(stage.closed_won, stage.is_closed AND stage.probability >= 1, FALSE) AS is_won,
    COALESCE(stage.is_closed, FALSE) AS is_closed
  FROM {{ deal }} AS deal
  LEFT JOIN twins ON twins.twin_id = deal.deal_id
  LEFT JOIN {{ deal_pipeline_stage }} AS stage
    ON stage.stage_id = deal.stage_id AND COALESCE(stage.pipeline_id = deal.pipeline_id, TRUE)
  LEFT JOIN entered ON entered.deal_id = deal.deal_id AND entered.stage_id = deal.stage_id
  WHERE NOT COALESCE(deal.is_deleted, FALSE)
    AND twins.twin_id IS NULL
)
SELECT
  deal.deal_id,
  CAST(NULL AS STRING) AS lead_id,
  person.contact_id AS user_id,
  deal.created AS deal_created,
  deal.outcome_at,
  CASE WHEN deal.is_won THEN 'won' WHEN deal.is_closed THEN 'lost' ELSE 'open' END AS status,
  deal.amount AS deal_value,
  deal.currency
FROM staged AS deal
INNER JOIN people AS person ON person.deal_id = deal.deal_id
WHERE deal.created IS NOT NULL
