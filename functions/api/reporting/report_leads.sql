-- Newest score of each lead created in the days, counted by conversion and probability in steps of 5 %.
SELECT
  newest.conversion,
  LEAST(CAST(FLOOR(newest.probability * 20) AS INT64), 19) * 5 AS percent,
  COUNT(*) AS leads,
  COUNTIF(newest.is_qualified) AS qualified
FROM (
  SELECT score.conversion, score.probability, score.is_qualified
  FROM {{ source }} AS score
  WHERE score.date BETWEEN @start_date AND @end_date
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY score.conversion, score.id ORDER BY score.as_of DESC, score.scored_at DESC, score.model_id
  ) = 1
) AS newest
GROUP BY newest.conversion, percent
ORDER BY newest.conversion, percent
