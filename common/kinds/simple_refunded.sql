  SELECT previous.* REPLACE (
    CASE
      WHEN applied.event_key IS NULL THEN 0
      WHEN applied.full_refunds > 0 THEN previous.value_gross
      ELSE LEAST(previous.value_gross, COALESCE(applied.amount, 0))
    END AS value_refunded,
    CASE
      WHEN applied.event_key IS NULL THEN 'none'
      WHEN applied.full_refunds > 0 OR applied.amount >= previous.value_gross THEN 'full'
      ELSE 'partial'
    END AS refund_status,
    CASE
      WHEN applied.event_key IS NULL THEN previous.net_value
      WHEN applied.full_refunds > 0 THEN 0
      ELSE GREATEST(0, previous.net_value - COALESCE(applied.amount, 0))
    END AS net_value,
    COALESCE(
      previous.removed,
      IF(applied.full_refunds > 0 OR applied.amount >= previous.value_gross, {{ removal }}, NULL)
    ) AS removed
  )
  FROM {{ previous }} AS previous
  LEFT JOIN applied ON applied.event_key = previous.event_key
