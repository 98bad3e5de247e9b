-- Candidates under this id or order id, with what became of them.
SELECT
  judged.id, judged.created, judged.client_id, judged.person_id, judged.removed, judged.reason,
  COALESCE(judged.removed, judged.reason) AS outcome, judged.net_value, judged.currency,
  judged.value_refunded, judged.refund_status, judged.is_qualified, {{ rate }} AS rate
FROM (
  SELECT c.*, {{ reason }} AS reason
  FROM {{ candidates }} AS c
) AS judged
LEFT JOIN ({{ rates }}) AS rates
  ON rates.day = DATE(judged.created, @timezone) AND rates.currency = judged.currency
LEFT JOIN ({{ dollars }}) AS dollars ON dollars.day = DATE(judged.created, @timezone)
WHERE judged.id = @key OR judged.order_id = @key
ORDER BY judged.created
LIMIT 100
