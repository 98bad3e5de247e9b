  -- predictions are money of the project, whatever currency the row had
  SELECT previous.* REPLACE (
    score.promised_value AS value_gross,
    score.promised_value AS net_value,
    {{ own }} AS currency,
    'predicted' AS value_kind
  )
  FROM {{ previous }} AS previous
  LEFT JOIN (
    SELECT scored.id, COALESCE(scored.promised_value, scored.expected_value) AS promised_value
    FROM {{ scores }} AS scored
    WHERE
      scored.conversion = {{ conversion }}
      -- a CRM may move a row by some days
      AND scored.date BETWEEN DATE_SUB(@start_date, INTERVAL 31 DAY) AND DATE_ADD(@end_date, INTERVAL 31 DAY)
    QUALIFY ROW_NUMBER() OVER (PARTITION BY scored.id ORDER BY scored.as_of DESC, scored.scored_at DESC, scored.model_id) = 1
  ) AS score ON score.id = previous.id
