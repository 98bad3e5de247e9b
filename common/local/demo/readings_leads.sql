SELECT
  score.id, score.probability, score.expected_value, score.grade, score.is_qualified, score.status,
  score.reasons
FROM {{ source }} AS score
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY score.id ORDER BY score.scored_at DESC) = 1
ORDER BY score.probability DESC, score.id
