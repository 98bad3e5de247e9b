-- Won deals whose money has a currency that neither a rate nor the CRM turns into the project's, and
-- how many deals ended at a moment that nobody knows, and how many leads, and new ones, a visit of the
-- site can be found for.
SELECT
  (SELECT COALESCE(SUM(outcome.unpriced_wins), 0) FROM {{ outcomes }} AS outcome) AS unpriced,
  (SELECT COALESCE(SUM(ARRAY_LENGTH(outcome.wins)), 0) FROM {{ outcomes }} AS outcome) AS wins,
  (SELECT COALESCE(SUM(outcome.undated), 0) FROM {{ outcomes }} AS outcome) AS undated,
  (SELECT COALESCE(SUM(outcome.ended), 0) FROM {{ outcomes }} AS outcome) AS ended,
  COUNT(*) AS leads,
  COUNT(lead.client_id) AS with_client_id,
  COUNTIF(lead.created > TIMESTAMP_SUB(@as_of, INTERVAL @recent_days DAY)) AS recent,
  COUNTIF(
    lead.client_id IS NOT NULL AND lead.created > TIMESTAMP_SUB(@as_of, INTERVAL @recent_days DAY)
  ) AS recent_with_client_id
FROM {{ leads }} AS lead
