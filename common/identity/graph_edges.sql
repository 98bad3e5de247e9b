WITH
pairs AS (
{{ pairs }}
),
shared AS (
  -- a user id shared by more client ids than a person has devices is a test account or a constant
  SELECT pairs.user_id
  FROM pairs
  GROUP BY pairs.user_id
  HAVING COUNT(DISTINCT pairs.client_id) > 50
),
links AS (
  -- pairs that may join clients, without user ids that stand for many people
  SELECT pairs.client_id, pairs.user_id, pairs.occurred_at
  FROM pairs
  WHERE pairs.user_id NOT IN (SELECT shared.user_id FROM shared)
  -- A CRM may number people in a way of its own. Its user ids count where GA4 knows them, and fill the
  -- gap where GA4 knows nobody on the client; one of a single client joins nothing, and may be a number
  -- that guests get at each order.
  QUALIFY
    COUNTIF(pairs.in_ga4) OVER user_ids > 0
    OR (
      COUNTIF(pairs.in_ga4) OVER client_ids = 0
      AND MIN(pairs.client_id) OVER user_ids < MAX(pairs.client_id) OVER user_ids
    )
  WINDOW
    user_ids AS (PARTITION BY pairs.user_id),
    client_ids AS (PARTITION BY pairs.client_id)
),
spread AS (
  -- whether a client has one user or is shared by several: then it joins nobody
  SELECT
    links.client_id,
    links.user_id,
    links.occurred_at,
    MIN(links.user_id) OVER clients = MAX(links.user_id) OVER clients AS is_only
  FROM links
  WINDOW clients AS (PARTITION BY links.client_id)
)
SELECT 'shared' AS kind, CAST(NULL AS STRING) AS client_id, shared.user_id, CAST(NULL AS TIMESTAMP) AS since
FROM shared
UNION ALL
SELECT DISTINCT
  IF(spread.is_only, 'only', 'one_of') AS kind,
  spread.client_id,
  spread.user_id,
  IF(spread.is_only, NULL, spread.occurred_at) AS since
FROM spread
