CASE
      WHEN NOT REGEXP_CONTAINS(c.currency, r'^[A-Z]{3}$') OR STRPOS({{ currencies }}, c.currency) = 0 THEN 'bad_currency'
      WHEN c.value_gross < 0 OR IS_NAN(c.value_gross) OR IS_INF(c.value_gross) THEN 'bad_value'
    END
