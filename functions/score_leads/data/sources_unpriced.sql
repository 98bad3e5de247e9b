-- Won deals whose money has a currency that neither a rate nor the CRM turns into the project's.
SELECT COALESCE(SUM(outcome.unpriced_wins), 0) AS unpriced, SUM(ARRAY_LENGTH(outcome.wins)) AS wins
FROM {{ outcomes }} AS outcome
