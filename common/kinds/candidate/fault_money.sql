CASE
      WHEN c.currency NOT IN UNNEST({{ currencies }}) THEN 'bad_currency'
      WHEN c.value_gross < 0 OR IS_NAN(c.value_gross) OR IS_INF(c.value_gross) THEN 'bad_value'
    END
