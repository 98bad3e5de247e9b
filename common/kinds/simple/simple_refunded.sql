  -- the candidates, their value lowered by what was returned
  SELECT measured.* EXCEPT (is_refunded, is_full, is_partly_unknown, returned, by_preliminary) REPLACE (
    -- a refund that GA4 may still change makes its purchase wait for the daily table as well
    COALESCE(measured.is_preliminary, FALSE) OR measured.by_preliminary AS is_preliminary,
    measured.returned AS value_refunded,
    COALESCE(measured.value_problem, IF(measured.is_partly_unknown AND NOT measured.is_full, 'unknown_refund', NULL)) AS value_problem,
    measured.net_value - measured.returned AS net_value,
    CASE WHEN NOT measured.is_refunded THEN 'none' WHEN measured.is_full THEN 'full' ELSE 'partial' END AS refund_status,
    COALESCE(measured.removed, IF(measured.is_full, {{ removal }}, NULL)) AS removed
  )
  FROM (
    SELECT
      previous.*,
      applied.event_key IS NOT NULL AS is_refunded,
      COALESCE(applied.is_preliminary, FALSE) AS by_preliminary,
      -- sums of cents are off by the last binary digit; a thousandth is the smallest coin of any currency
      COALESCE(applied.is_whole OR ROUND(previous.paid - applied.amount, 3) <= 0, FALSE) AS is_full,
      applied.is_partly_unknown,
      CASE
        WHEN applied.event_key IS NULL THEN 0
        WHEN applied.is_whole OR ROUND(previous.paid - applied.amount, 3) <= 0 THEN previous.value_gross
        -- a manual value shrinks by the share of the price that was returned
        ELSE COALESCE(applied.amount * SAFE_DIVIDE(previous.value_gross, previous.paid), 0)
      END AS returned
    FROM {{ previous }} AS previous
    LEFT JOIN applied ON applied.event_key = previous.event_key
  ) AS measured
