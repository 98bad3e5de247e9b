SELECT
  {{ columns }}
FROM {{ scores }} AS score
WHERE
  score.conversion = {{ conversion }}
  AND score.date BETWEEN DATE_SUB(@start_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL 1 DAY)
  AND DATE(score.created, @timezone) BETWEEN @start_date AND @end_date
QUALIFY ROW_NUMBER() OVER (PARTITION BY score.id ORDER BY score.as_of DESC, score.scored_at DESC, score.model_id) = 1
