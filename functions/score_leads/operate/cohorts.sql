-- Months whose leads are all final by now and that were not reported yet: first score against outcome.
WITH first_scores AS (
  SELECT
    score.id,
    DATE_TRUNC(score.date, MONTH) AS month,
    score.probability,
    score.expected_value
  FROM {{ scores }} AS score
  WHERE score.conversion = @conversion AND score.date <= @final_until
    -- what was reconstructed later says nothing of how well leads are judged when they come
    AND score.is_reconstructed IS NOT TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY score.id ORDER BY score.as_of, score.scored_at, score.model_id) = 1
)
SELECT
  scored.month,
  COUNT(*) AS leads,
  SUM(scored.probability) AS predicted_wins,
  SUM(scored.probability * (1 - scored.probability)) AS predicted_wins_variance,
  COUNTIF(outcome.won_after <= @window_days) AS actual_wins,
  -- money that is not known of more than one win in twenty is compared with nothing
  IF(COUNTIF(outcome.won_after <= @window_days AND outcome.value IS NULL)
    > 0.05 * COUNTIF(outcome.won_after <= @window_days), NULL, SUM(scored.expected_value)) AS predicted_value,
  SUM(outcome.value) AS actual_value,
  SUM(outcome.value * outcome.value) AS actual_value_squares
FROM first_scores AS scored
INNER JOIN {{ leads }} AS lead ON lead.id = scored.id
LEFT JOIN (
  SELECT
    credited.id,
    credited.won_after,
    -- one deal without a value leaves the money of its lead unknown
    (
      SELECT IF(LOGICAL_OR(win.value IS NULL), NULL, SUM(win.value))
      FROM UNNEST(credited.wins) AS win
      WHERE win.days <= @window_days
    ) AS value
  FROM {{ outcomes }} AS credited
) AS outcome ON outcome.id = scored.id
WHERE scored.month >= @staged_from
  AND LAST_DAY(scored.month, MONTH) <= @final_until
  AND scored.month NOT IN (
    SELECT reported.date FROM {{ calibration }} AS reported WHERE reported.conversion = @conversion
  )
GROUP BY scored.month
ORDER BY scored.month
