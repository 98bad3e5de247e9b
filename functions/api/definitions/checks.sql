-- Fails when BigQuery cannot read the regular expression.
SELECT REGEXP_CONTAINS('', @pattern) AS matches
