SELECT
  event.date,
  CONCAT(event.property, '/', event.currency, '/', CAST(event.date AS STRING)) AS rate_key,
  event.property,
  event.currency,
  ARRAY_AGG(event.value_in_usd / event.revenue ORDER BY event.value_in_usd / event.revenue)[SAFE_OFFSET(DIV(COUNT(*), 2))] AS dollars,
  COUNT(*) AS amounts
FROM {{ events }} AS event
WHERE
  event.is_wanted = TRUE
  AND event.currency IS NOT NULL
  AND event.revenue > 0
  AND event.value_in_usd > 0
  AND event.date BETWEEN @start_date AND @end_date
GROUP BY event.date, event.property, event.currency
