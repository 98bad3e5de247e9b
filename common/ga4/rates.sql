SELECT
  amount.date,
  CONCAT(amount.property, '/', amount.currency, '/', CAST(amount.date AS STRING)) AS rate_key,
  amount.property,
  amount.currency,
  ARRAY_AGG(amount.value_in_usd / amount.revenue ORDER BY amount.value_in_usd / amount.revenue)[SAFE_OFFSET(DIV(COUNT(*), 2))] AS dollars,
  COUNT(*) AS amounts
FROM (
  -- a refund's amount has no sign, its dollars may have one
  SELECT
    event.date,
    event.property,
    event.currency,
    COALESCE(event.refund_value, event.revenue) AS revenue,
    IF(event.refund_value IS NULL, event.value_in_usd, ABS(event.value_in_usd)) AS value_in_usd
  FROM {{ events }} AS event
  WHERE event.is_wanted = TRUE AND event.date BETWEEN @start_date AND @end_date
  UNION ALL
  -- and what tables that are gone by now told, each amount as often
  SELECT gone.date, gone.property, gone.currency, gone.revenue, gone.value_in_usd
  FROM (
    SELECT
      staged.date,
      staged.property,
      staged.currency,
      COALESCE(staged.refund_value, staged.revenue) AS revenue,
      IF(staged.refund_value IS NULL, staged.value_in_usd, ABS(staged.value_in_usd)) AS value_in_usd,
      staged.copies
    FROM {{ stage }} AS staged
    WHERE staged.date BETWEEN GREATEST(@unread_from, @start_date) AND @unread_until AND NOT {{ is_told }}
  ) AS gone
  CROSS JOIN UNNEST(GENERATE_ARRAY(0, COALESCE(gone.copies, 0))) AS copy
) AS amount
WHERE amount.currency IS NOT NULL AND amount.revenue > 0 AND amount.value_in_usd > 0
GROUP BY amount.date, amount.property, amount.currency
