-- Leads to score: attributes as first seen, the score before, the score a week ago, and the outcome.
SELECT
  feature.id,
  feature.date,
  feature.created,
  feature.client_id,
  feature.user_id,
  feature.gclid,
  feature.fbclid,
  feature.email,
  feature.phone,
  feature.attributes,
  before.probability AS probability_before,
  COALESCE(before.is_qualified, FALSE) AS qualified_before,
  before.qualified_at,
  week.probability AS probability_week_ago,
  COALESCE(outcome.status, 'open') AS status
FROM {{ features }} AS feature
INNER JOIN {{ leads }} AS lead ON lead.id = feature.id
LEFT JOIN {{ outcomes }} AS outcome ON outcome.id = feature.id
LEFT JOIN (
  SELECT score.id, score.probability, score.is_qualified, score.qualified_at
  FROM {{ scores }} AS score
  WHERE score.conversion = @conversion AND score.date BETWEEN @start_date AND @end_date
  QUALIFY ROW_NUMBER() OVER (PARTITION BY score.id ORDER BY score.scored_at DESC, score.model_id) = 1
) AS before ON before.id = feature.id
LEFT JOIN (
  SELECT score.id, score.probability
  FROM {{ scores }} AS score
  WHERE score.conversion = @conversion AND score.date BETWEEN @start_date AND @end_date
    AND score.as_of <= TIMESTAMP_SUB(@as_of, INTERVAL 7 DAY)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY score.id ORDER BY score.scored_at DESC, score.model_id) = 1
) AS week ON week.id = feature.id
WHERE feature.conversion = @conversion
  AND feature.date BETWEEN @start_date AND @end_date
QUALIFY ROW_NUMBER() OVER (PARTITION BY feature.id ORDER BY feature.first_seen_at) = 1
ORDER BY feature.created, feature.id
