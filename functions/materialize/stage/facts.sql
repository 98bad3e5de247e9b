WITH
purchase AS (
  -- the purchases of the days that are judged
  SELECT event.property, event.order_id, event.client_id, event.revenue, event.copies
  FROM {{ stage }} AS event
  WHERE event.event_name = 'purchase' AND event.date BETWEEN @start_date AND @end_date
),
shared AS (
  -- order ids that more clients show than one person and a shop's own server have
  SELECT
    purchase.property,
    purchase.order_id,
    COUNT(DISTINCT purchase.client_id) AS clients,
    COUNT(*) AS purchases,
    SUM(purchase.revenue) AS value,
    MIN(purchase.revenue) AS kept
  FROM purchase
  WHERE purchase.order_id IS NOT NULL
  GROUP BY purchase.property, purchase.order_id
  HAVING COUNT(DISTINCT purchase.client_id) > {{ clients }}
),
unknown AS (
  -- refunds of orders that no purchase has
  SELECT event.order_id
  FROM {{ stage }} AS event
  WHERE
    event.event_name = 'refund'
    AND event.date BETWEEN @start_date AND @end_date
    AND event.order_id IS NOT NULL
    AND event.order_id NOT IN (
      SELECT memory.order_id FROM {{ orders }} AS memory WHERE memory.date BETWEEN @oldest AND @end_date
    )
)
SELECT
  (SELECT COUNT(*) FROM purchase) AS purchases,
  (SELECT COUNTIF(purchase.order_id IS NULL) FROM purchase) AS without_id,
  (SELECT COALESCE(SUM(purchase.copies), 0) FROM purchase) AS copies,
  (SELECT COUNT(*) FROM unknown) AS unknown_refunds,
  ARRAY(
    SELECT AS STRUCT shared.order_id, shared.property, shared.clients, shared.purchases, shared.value, shared.kept
    FROM shared
    ORDER BY shared.purchases DESC, shared.order_id
    LIMIT 10
  ) AS shared
