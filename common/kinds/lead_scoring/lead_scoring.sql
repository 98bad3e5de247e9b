SELECT
  {{ columns }}
FROM {{ scores }} AS score
WHERE
  score.conversion = {{ conversion }}
  AND score.date BETWEEN @start_date AND @end_date
  AND DATE(score.created, @timezone) BETWEEN @start_date AND @end_date
QUALIFY ROW_NUMBER() OVER (PARTITION BY score.id ORDER BY score.as_of DESC, score.scored_at DESC, score.model_id) = 1
