-- How many leads were last heard of at which age in days: won at it, or as old as that by now. Leads
-- from before the first recorded win look lost only because nobody recorded wins then.
WITH heard AS (
  SELECT
    lead.created,
    outcome.won_after,
    TIMESTAMP_DIFF(@as_of, lead.created, SECOND) / 86400 AS age
  FROM {{ leads }} AS lead
  LEFT JOIN {{ outcomes }} AS outcome ON outcome.id = lead.id
  WHERE lead.created <= @as_of
),
first_win AS (
  SELECT MIN(TIMESTAMP_ADD(heard.created, INTERVAL CAST(heard.won_after * 86400 AS INT64) SECOND)) AS won_at
  FROM heard
)
SELECT
  heard.won_after IS NOT NULL AS is_won,
  CAST(CEIL(COALESCE(heard.won_after, heard.age)) AS INT64) AS days,
  COUNT(*) AS leads,
  MAX(heard.age) AS oldest
FROM heard
CROSS JOIN first_win
WHERE heard.created >= COALESCE(first_win.won_at, heard.created)
GROUP BY is_won, days
ORDER BY is_won, days
