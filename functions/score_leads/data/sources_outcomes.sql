-- What became of each lead. A deal is credited to one lead: the last one before the deal was made,
-- else the first one before it ended. A deal whose lead is gone, as a converted entry of an inbox is,
-- goes to a lead of the same person from before it. Several deals of one lead add up. A deal that
-- ended at a moment that nobody wrote down ended when it was made, the best that is known, and counts
-- as such.
CREATE OR REPLACE TABLE {{ target }} AS
WITH dated AS (
  SELECT
    {{ columns }}
  FROM {{ deals }} AS given
),
deals AS (
  SELECT
    deal.* EXCEPT (outcome_at),
    COALESCE(deal.outcome_at, deal.deal_created) AS outcome_at,
    deal.outcome_at IS NULL AS is_undated
  FROM dated AS deal
),
candidates AS (
  SELECT lead.id, lead.created, deal.*
  FROM deals AS deal
  INNER JOIN {{ leads }} AS lead ON lead.id = deal.lead_id
  UNION ALL
  SELECT lead.id, lead.created, deal.*
  FROM deals AS deal
  INNER JOIN {{ leads }} AS lead ON lead.user_id = deal.user_id
  LEFT JOIN {{ leads }} AS named ON named.id = deal.lead_id
  WHERE named.id IS NULL AND (deal.lead_id IS NULL OR lead.created <= deal.deal_created)
),
credited AS (
  SELECT candidate.*
  FROM candidates AS candidate
  WHERE COALESCE(candidate.created <= candidate.outcome_at, TRUE)
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY candidate.deal_id
    ORDER BY
      IF(candidate.created <= candidate.deal_created, 0, 1),
      ABS(TIMESTAMP_DIFF(candidate.created, candidate.deal_created, MICROSECOND)),
      candidate.id,
      -- of a deal that the CRM lists twice the same entry each time
      candidate.outcome_at DESC,
      candidate.status,
      candidate.deal_value DESC
  ) = 1
),
known AS (
  SELECT
    deal.id,
    -- an end that is still to come is not known yet; one that is a date falls on a day's first moment,
    -- which is the end of the day before
    IF(COALESCE(deal.outcome_at, deal.created) < @known_until, deal.status, 'open') AS status,
    TIMESTAMP_DIFF(COALESCE(deal.outcome_at, deal.created), deal.created, MICROSECOND)
    / 86400e6 AS days,
    -- by the day's own rate, else what the CRM itself made of it in the project's currency
    COALESCE(
      deal.deal_value * rate.rate,
      IF(deal.home_currency = @currency, deal.home_value, NULL)
    ) AS value,
    deal.deal_value IS NOT NULL AS has_amount,
    deal.is_undated
  FROM credited AS deal
  LEFT JOIN ({{ rates }}) AS rate
    ON rate.day = DATE(COALESCE(deal.outcome_at, deal.created), @timezone)
    AND rate.currency = COALESCE(deal.currency, @currency)
  WHERE COALESCE(deal.deal_created, deal.outcome_at, @known_until) <= @known_until
)
SELECT
  outcome.id,
  MIN(IF(outcome.status = 'won', outcome.days, NULL)) AS won_after,
  IF(LOGICAL_AND(outcome.status = 'lost'), MAX(outcome.days), NULL) AS lost_after,
  ARRAY_AGG(
    IF(outcome.status = 'won', STRUCT(outcome.days AS days, outcome.value AS value), NULL)
    -- in one order, so that sums of money have the same last digit in each run
    IGNORE NULLS ORDER BY outcome.days, outcome.value
  ) AS wins,
  COUNTIF(outcome.status = 'won' AND outcome.has_amount AND outcome.value IS NULL) AS unpriced_wins,
  COUNTIF(outcome.status IN ('won', 'lost') AND outcome.is_undated) AS undated,
  COUNTIF(outcome.status IN ('won', 'lost')) AS ended,
  CASE
    WHEN LOGICAL_OR(outcome.status = 'won') THEN 'won'
    WHEN LOGICAL_AND(outcome.status = 'lost') THEN 'lost'
    ELSE 'open'
  END AS status
FROM known AS outcome
GROUP BY outcome.id
