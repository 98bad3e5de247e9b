own AS (
  -- the candidates that count, judged and valued with those of the definition's kin
  SELECT c.event_key, c.id, c.row_hash
  FROM {{ candidates }} AS c
  WHERE
    c.removed IS NULL
    AND c.reason IS NULL
    -- an id is unique over the whole table, and what is already history wins
    AND c.id NOT IN (
      SELECT history.id FROM {{ target }} AS history WHERE {{ outside }}
    )
)
