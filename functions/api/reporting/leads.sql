-- The newest score of each lead created in the window, the likeliest first.
SELECT
  newest.id, newest.created, newest.scored_at, newest.model_id, newest.probability, newest.grade, newest.trend,
  newest.expected_value, newest.deal_value_if_won, newest.is_qualified, newest.status, newest.reasons
FROM (
  SELECT score.*
  FROM {{ scores }} AS score
  WHERE
    score.conversion = @conversion
    AND score.date BETWEEN @start_date AND @end_date
    AND (@id = '' OR score.id = @id)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY score.id ORDER BY score.as_of DESC, score.scored_at DESC, score.model_id) = 1
) AS newest
WHERE
  (@is_qualified IS NULL OR newest.is_qualified = @is_qualified)
  AND (@status = '' OR newest.status = @status)
  AND (
    @after_probability IS NULL
    OR newest.probability < @after_probability
    OR (newest.probability = @after_probability AND newest.id > @after_id)
  )
ORDER BY newest.probability DESC, newest.id
LIMIT @limit
