-- What every conversion counted, one row a day.
SELECT
  present.definition_id AS conversion,
  present.date AS date,
  COUNT(*) AS conversions,
  SUM(present.value_project) AS value,
  SUM(NULLIF(present.value_refunded, 0) * present.exchange_rate) AS refunded,
  IF(COUNT(present.is_qualified) = 0, NULL, COUNTIF(present.is_qualified)) AS qualified,
  COUNTIF({{ attributed }}) AS attributed
FROM {{ conversions }} AS present
WHERE present.date BETWEEN @start_date AND @end_date
GROUP BY present.definition_id, present.date
ORDER BY conversion, date
