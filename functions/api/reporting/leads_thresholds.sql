-- For each threshold in percent, 0 first: leads whose first score reaches it, and what became of them.
WITH
lead AS (
  SELECT score.id, score.probability, score.expected_value
  FROM {{ scores }} AS score
  WHERE score.conversion = @conversion AND score.date BETWEEN @start_date AND @end_date
  QUALIFY ROW_NUMBER() OVER (PARTITION BY score.id ORDER BY score.as_of, score.scored_at, score.model_id) = 1
),
outcome AS (
  SELECT score.id, score.status
  FROM {{ scores }} AS score
  WHERE score.conversion = @conversion AND score.date BETWEEN @start_date AND @end_date
  QUALIFY ROW_NUMBER() OVER (PARTITION BY score.id ORDER BY score.as_of DESC, score.scored_at DESC, score.model_id) = 1
)
SELECT
  percent,
  COUNTIF(lead.probability >= percent / 100) AS leads,
  COUNTIF(lead.probability >= percent / 100 AND outcome.status = 'won') AS wins,
  SUM(IF(lead.probability >= percent / 100, lead.expected_value, NULL)) AS expected_value
FROM lead
JOIN outcome ON outcome.id = lead.id
CROSS JOIN UNNEST(GENERATE_ARRAY(0, 95, 5)) AS percent
GROUP BY percent
ORDER BY percent
