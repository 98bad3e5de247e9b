  -- predictions are money of the project, whatever currency the row had
  SELECT previous.* REPLACE (
    score.expected_value AS value_gross,
    score.expected_value AS net_value,
    {{ own }} AS currency,
    'predicted' AS value_kind
  )
  FROM {{ previous }} AS previous
  LEFT JOIN (
    SELECT scored.id, scored.expected_value
    FROM {{ scores }} AS scored
    WHERE scored.conversion = {{ conversion }}
    QUALIFY ROW_NUMBER() OVER (PARTITION BY scored.id ORDER BY scored.scored_at DESC, scored.model_id) = 1
  ) AS score ON score.id = previous.id
