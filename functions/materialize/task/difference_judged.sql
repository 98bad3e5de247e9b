judged AS (
  -- the candidates, and what speaks against each
  SELECT
    c.*,
    DATE(c.created, @timezone) AS date,
    {{ reason }} AS reason
  FROM {{ candidates }} AS c
),
kept AS (
  -- the candidates that count
  SELECT judged.*
  FROM judged
  WHERE
    judged.removed IS NULL
    AND judged.reason IS NULL
    -- an id is unique over the whole table, and what is already history wins
    AND judged.id NOT IN (
      SELECT history.id FROM {{ target }} AS history WHERE {{ outside }}
    )
    AND {{ spared }}
),
{{ earlier_days }}{{ worth }}
