  SELECT witness.client_id, witness.user_id, witness.created AS occurred_at, FALSE AS in_ga4
  FROM {{ witness }} AS witness
  WHERE
    witness.date BETWEEN DATE_SUB(@end_date, INTERVAL 180 DAY) AND @end_date
    AND witness.client_id IS NOT NULL
    AND witness.user_id IS NOT NULL
