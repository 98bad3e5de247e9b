-- How many rows differ in which way, and what they are worth in the project's currency.
SELECT
  paired.change,
  COUNT(*) AS rows_,
  SUM(paired.live_project) AS live_value,
  SUM(paired.draft_project) AS draft_value
FROM (
  {{ paired }}
) AS paired
GROUP BY paired.change
