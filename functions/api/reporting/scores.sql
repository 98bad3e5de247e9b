-- The newest 30 scores of a lead, oldest first.
SELECT
  newest.conversion, newest.id, newest.created, newest.scored_at, newest.model_id,
  newest.probability, newest.grade, newest.trend, newest.expected_value,
  newest.deal_value_if_won, newest.pipeline_probability, newest.pipeline_value, newest.is_qualified, newest.qualified_at, newest.status,
  newest.reasons
FROM (
  SELECT score.*
  FROM {{ scores }} AS score
  WHERE score.conversion = @conversion AND score.id = @id
  ORDER BY score.as_of DESC, score.scored_at DESC, score.model_id
  LIMIT 30
) AS newest
ORDER BY newest.as_of, newest.scored_at, newest.model_id DESC
