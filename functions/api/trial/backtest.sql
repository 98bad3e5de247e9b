-- Candidates by day and outcome; NULL is a conversion, anything else why it is none.
WITH judged AS (
  SELECT c.*, DATE(c.created, @timezone) AS date, {{ reason }} AS reason
  FROM {{ candidates }} AS c
),
visited AS (
  SELECT DISTINCT event.client_id
  FROM {{ stage }} AS event
  WHERE
    event.date BETWEEN DATE_SUB(@start_date, INTERVAL 90 DAY) AND @end_date
    AND event.client_id IS NOT NULL
),
valued AS (
  SELECT
    judged.date,
    COALESCE(judged.removed, judged.reason) AS outcome,
    judged.net_value * {{ rate }} AS value,
    judged.value_gross * {{ rate }} AS value_gross,
    NULLIF(judged.value_refunded, 0) * {{ rate }} AS refunded,
    judged.is_qualified,
    judged.session_id IS NOT NULL OR visited.client_id IS NOT NULL AS is_attributed
  FROM judged
  LEFT JOIN visited ON visited.client_id = judged.client_id
  LEFT JOIN ({{ rates }}) AS rates ON rates.day = judged.date AND rates.currency = judged.currency
  LEFT JOIN ({{ dollars }}) AS dollars ON dollars.day = judged.date
)
SELECT
  valued.date,
  valued.outcome,
  COUNT(*) AS conversions,
  SUM(valued.value) AS value,
  SUM(valued.value_gross) AS value_gross,
  SUM(valued.refunded) AS refunded,
  IF(COUNT(valued.is_qualified) = 0, NULL, COUNTIF(valued.is_qualified)) AS qualified,
  COUNTIF(valued.is_attributed) AS attributed
FROM valued
GROUP BY valued.date, valued.outcome
ORDER BY valued.date, valued.outcome
