  -- the same refund sent twice within a minute is one; a refund may be dated before its purchase
  SELECT
    sent.* EXCEPT (sent_before),
    -- one order however often BigQuery evaluates this: refunds of a moment have their numbers for good
    ROW_NUMBER() OVER (
      ORDER BY
        sent.occurred_at, sent.order_id, sent.property, sent.currency, CAST(sent.stated AS STRING),
        TO_JSON_STRING(sent.items)
    ) AS refund
  FROM (
    SELECT
      event.property,
      event.order_id,
      event.occurred_at,
      event.date,
      event.currency,
      event.is_preliminary,
      event.client_id,
      NULLIF(ABS(event.refund_value), 0) AS stated,
      -- an amount of zero, or one that is no number, is never "all of it"
      COALESCE(event.refund_is_zero, event.refund_value = 0, FALSE)
        OR COALESCE(event.value_problem = 'unreadable_value', FALSE) AS has_no_amount,
      ABS(event.value_in_usd) AS dollars,
      event.items,
      LAG(event.occurred_at) OVER (
        PARTITION BY
          event.property, event.order_id, event.currency, CAST(ABS(event.refund_value) AS STRING),
          TO_JSON_STRING(event.items)
        ORDER BY event.occurred_at
      ) AS sent_before
    FROM {{ stage }} AS event
    WHERE
      event.event_name = 'refund'
      AND event.order_id IN (SELECT counted.order_id FROM counted)
      AND event.date BETWEEN DATE_SUB(@start_date, INTERVAL {{ before }} DAY) AND DATE_ADD(@end_date, INTERVAL {{ days }} DAY)
  ) AS sent
  WHERE sent.sent_before IS NULL OR TIMESTAMP_DIFF(sent.occurred_at, sent.sent_before, MICROSECOND) > 60000000
