CASE
      WHEN c.removed IS NOT NULL THEN NULL
      WHEN c.id IS NULL OR c.id = '' THEN 'missing_id'
      WHEN c.created IS NULL THEN 'missing_created'
      WHEN c.created < TIMESTAMP '2000-01-01 00:00:00+00' THEN 'invalid_created'
      WHEN c.created > TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 24 HOUR) THEN 'created_in_future'
      WHEN c.currency IS NOT NULL AND NOT REGEXP_CONTAINS(c.currency, r'^[A-Z]{3}$') THEN 'bad_currency'
      WHEN c.value_gross < 0 OR IS_NAN(c.value_gross) OR IS_INF(c.value_gross) THEN 'bad_value'
      WHEN DATE(c.created, @timezone) NOT BETWEEN @start_date AND @end_date THEN 'outside_window'
      WHEN ROW_NUMBER() OVER (PARTITION BY c.id, c.removed IS NULL ORDER BY c.created DESC, c.client_id, c.value_gross) > 1
        THEN 'duplicate_id'
    END
