-- One row a deal and a lead or person that it may have come from. Flags tell won from lost: the
-- deal's own ones, else those of its stage, whose id and label may say anything. An entry that was
-- given up without a deal is lost as well. Where a person says what a lead is to reach, a stage or a
-- status of its own, that is what is called won.
WITH RECURSIVE {{ records }},
stages AS (
  -- a deal names its pipeline or not; a stage that was deleted since still says what it meant
  SELECT stage.*
  FROM stage
),
came AS (
  SELECT entered.deal_id, entered.stage_id, MAX(entered.entered_at) AS entered_at
  FROM entered
  GROUP BY entered.deal_id, entered.stage_id
),
passed AS (
  SELECT tied.deal_id, MIN(tied.entered_at) AS entered_at
  FROM (
    SELECT entered.deal_id, entered.stage_id, entered.entered_at
    FROM entered
    UNION ALL
    SELECT deal.id AS deal_id, deal.stage_id, deal.stage_at AS entered_at
    FROM deal
  ) AS tied
  LEFT JOIN stage ON stage.id = tied.stage_id
  WHERE {{ is_stage }}
  GROUP BY tied.deal_id
),
priced AS (
  SELECT
    deal.*,
    passed.deal_id IS NOT NULL AS has_passed,
    passed.entered_at AS passed_at,
    COALESCE(UPPER(money.code), UPPER(deal.currency)) AS code,
    COALESCE(deal.home_amount, deal.amount / NULLIF(money.rate, 0)) AS home_value,
    came.entered_at,
    passed.deal_id IS NOT NULL OR COALESCE(
      deal.said_won,
      COALESCE(
        deal.won,
        IF(LOWER(deal.status) IN ('won', '1'), TRUE, NULL),
        stage.won,
        stage.closed AND stage.probability >= 1,
        stage.probability >= 1,
        FALSE
      ) AND COALESCE(deal.closed, stage.closed, TRUE)
    ) AS is_won,
    COALESCE(
      deal.said_lost,
      deal.closed,
      IF(LOWER(deal.status) IN ('lost', '2'), TRUE, NULL),
      stage.closed,
      stage.probability <= 0 AND stage.won IS NOT NULL AND deal.closed_at IS NOT NULL,
      FALSE
    ) AS is_closed
  FROM deals AS deal
  LEFT JOIN stages AS stage
    ON stage.id = deal.stage_id AND COALESCE(stage.pipeline_id = deal.pipeline_id, TRUE)
  LEFT JOIN came ON came.deal_id = deal.id AND came.stage_id = deal.stage_id
  LEFT JOIN passed ON passed.deal_id = deal.id
  LEFT JOIN currency AS money ON money.id = deal.currency_id
  QUALIFY ROW_NUMBER() OVER (PARTITION BY deal.id ORDER BY stage.closed DESC, stage.pipeline_id) = 1
),
home AS (
  -- the CRM's own currency: the one that says so, else the one in which both amounts are the same
  SELECT COALESCE(
    (SELECT MIN(UPPER(money.code)) FROM currency AS money WHERE money.is_home),
    (SELECT IF(MIN(same.code) = MAX(same.code), MIN(same.code), NULL)
     FROM (
       SELECT COALESCE(UPPER(money.code), UPPER(deal.currency)) AS code
       FROM deal
       LEFT JOIN currency AS money ON money.id = deal.currency_id
       WHERE NOT deal.deleted AND deal.amount <> 0
         AND ABS(deal.amount - COALESCE(deal.home_amount, deal.amount / NULLIF(money.rate, 0))) < 0.005
     ) AS same)
  ) AS code
),
of_deals AS (
  SELECT
    deal.id AS deal_id,
    deal.lead_id,
    COALESCE(known.user_id, link.person_id) AS user_id,
    deal.created AS deal_created,
    -- NULL where a deal has ended and nothing says when
    GREATEST(
      COALESCE(
        deal.passed_at,
        CASE
          -- a deal that was lost had been there before
          WHEN deal.has_passed THEN COALESCE(deal.won_at, deal.lost_at)
          WHEN deal.is_won THEN deal.won_at
          WHEN deal.is_closed THEN deal.lost_at
        END,
        deal.entered_at,
        -- of a deal that goes on, the day on which it is planned to close
        IF(deal.has_passed AND NOT deal.is_closed, NULL, deal.closed_at),
        deal.stage_at,
        deal.modified,
        IF(deal.is_won OR deal.is_closed, NULL, deal.created)
      ),
      deal.created
    ) AS outcome_at,
    CASE WHEN deal.is_won THEN 'won' WHEN deal.is_closed THEN 'lost' ELSE 'open' END AS status,
    deal.amount AS deal_value,
    deal.code AS currency,
    deal.home_value,
    home.code AS home_currency
  FROM priced AS deal
  CROSS JOIN home
  LEFT JOIN deal_people AS link ON link.deal_id = deal.id
  LEFT JOIN known_as AS known ON known.id = link.person_id
  WHERE COALESCE(deal.lead_id, link.person_id) IS NOT NULL
),
of_leads AS (
  SELECT
    CONCAT('reached-', entry.id) AS deal_id,
    entry.id AS lead_id,
    CAST(NULL AS STRING) AS user_id,
    GREATEST(COALESCE(entry.reached_at, entry.modified), entry.created) AS outcome_at
  FROM entry
  INNER JOIN entries AS whole ON whole.id = entry.id
  WHERE entry.reached AND whole.is_there
  UNION ALL
  SELECT
    CONCAT('reached-', person.id),
    CAST(NULL AS STRING),
    COALESCE(known.user_id, person.id),
    GREATEST(person.reached_at, person.created)
  FROM person
  INNER JOIN people AS whole ON whole.id = person.id
  LEFT JOIN known_as AS known ON known.id = person.id
  WHERE person.reached AND whole.is_there
),
milestones AS (
  SELECT
    lead.deal_id,
    lead.lead_id,
    lead.user_id,
    lead.outcome_at AS deal_created,
    lead.outcome_at,
    'won' AS status,
    CAST(NULL AS FLOAT64) AS deal_value,
    CAST(NULL AS STRING) AS currency,
    CAST(NULL AS FLOAT64) AS home_value,
    CAST(NULL AS STRING) AS home_currency
  FROM of_leads AS lead
)
SELECT deal.*
FROM {{ outcomes }} AS deal
UNION ALL
SELECT
  CONCAT('lead-', entry.id),
  entry.id,
  CAST(NULL AS STRING),
  entry.created,
  GREATEST(COALESCE(entry.modified, entry.created), entry.created),
  'lost',
  CAST(NULL AS FLOAT64),
  CAST(NULL AS STRING),
  CAST(NULL AS FLOAT64),
  CAST(NULL AS STRING)
FROM entry
INNER JOIN entries AS whole ON whole.id = entry.id
WHERE entry.lost AND whole.is_there AND entry.created IS NOT NULL
