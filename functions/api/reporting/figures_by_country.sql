-- What a conversion counted, one row a country.
SELECT
  COALESCE(NULLIF(conversion.country, ''), '(not set)') AS country,
  COUNT(*) AS conversions,
  SUM(conversion.value_project) AS value,
  SUM(NULLIF(conversion.value_refunded, 0) * conversion.exchange_rate) AS refunded,
  IF(COUNT(conversion.is_qualified) = 0, NULL, COUNTIF(conversion.is_qualified)) AS qualified,
  COUNTIF({{ attributed }}) AS attributed
FROM {{ conversion }} AS conversion
WHERE conversion.date BETWEEN @start_date AND @end_date
GROUP BY country
ORDER BY conversions DESC, country
LIMIT @limit
