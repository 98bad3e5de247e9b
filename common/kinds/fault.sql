CASE
      WHEN c.id IS NULL OR TRIM(c.id) = '' THEN 'missing_id'
      WHEN c.created IS NULL THEN 'missing_created'
      WHEN c.created < TIMESTAMP '2000-01-01 00:00:00+00' THEN 'invalid_created'
      WHEN c.created > TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 24 HOUR) THEN 'created_in_future'
      WHEN NOT REGEXP_CONTAINS(c.currency, r'^[A-Z]{3}$') OR STRPOS({{ currencies }}, c.currency) = 0 THEN 'bad_currency'
      WHEN c.value_gross < 0 OR IS_NAN(c.value_gross) OR IS_INF(c.value_gross) THEN 'bad_value'
    END
