judged AS (
  -- the candidates, and what speaks against each by itself
  SELECT
    c.*,
    DATE(c.created, @timezone) AS date,
    {{ reason }} AS reason
  FROM candidates AS c
),
kept AS (
  -- those that name nobody who was erased
  SELECT judged.*
  FROM judged
  WHERE
    {{ spared }}
),
{{ worth }}
