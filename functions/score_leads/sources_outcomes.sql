-- What became of each lead. A deal is credited to one lead: the last one before the deal was made,
-- else the first one before it ended. Several deals of one lead add up.
CREATE OR REPLACE TABLE {{ target }} AS
WITH deals AS (
  SELECT
    {{ columns }}
  FROM {{ deals }} AS given
),
candidates AS (
  SELECT lead.id, lead.created, deal.*
  FROM deals AS deal
  INNER JOIN {{ leads }} AS lead ON lead.id = deal.lead_id
  UNION ALL
  SELECT lead.id, lead.created, deal.*
  FROM deals AS deal
  INNER JOIN {{ leads }} AS lead ON lead.user_id = deal.user_id
  WHERE deal.lead_id IS NULL
),
credited AS (
  SELECT candidate.*
  FROM candidates AS candidate
  WHERE candidate.created <= candidate.outcome_at
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY candidate.deal_id
    ORDER BY
      IF(candidate.created <= candidate.deal_created, 0, 1),
      ABS(TIMESTAMP_DIFF(candidate.created, candidate.deal_created, MICROSECOND)),
      candidate.id
  ) = 1
),
valued AS (
  SELECT
    deal.id,
    deal.status,
    deal.outcome_at,
    TIMESTAMP_DIFF(deal.outcome_at, deal.created, MICROSECOND) / 86400e6 AS days,
    deal.deal_value * rate.rate AS value
  FROM credited AS deal
  LEFT JOIN ({{ rates }}) AS rate
    ON rate.day = DATE(deal.outcome_at, @timezone) AND rate.currency = COALESCE(deal.currency, @currency)
  WHERE deal.outcome_at <= @known_until
)
SELECT
  outcome.id,
  MIN(IF(outcome.status = 'won', outcome.days, NULL)) AS won_after,
  IF(LOGICAL_AND(outcome.status = 'lost'), MAX(outcome.days), NULL) AS lost_after,
  SUM(IF(outcome.status = 'won', outcome.value, NULL)) AS value,
  CASE
    WHEN LOGICAL_OR(outcome.status = 'won') THEN 'won'
    WHEN LOGICAL_AND(outcome.status = 'lost') THEN 'lost'
    ELSE 'open'
  END AS status
FROM valued AS outcome
GROUP BY outcome.id
