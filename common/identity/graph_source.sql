  SELECT source.client_id, source.user_id, source.created AS occurred_at, FALSE AS in_ga4
  FROM {{ source }} AS source
  WHERE
    source.date BETWEEN DATE_SUB(@end_date, INTERVAL 180 DAY) AND @end_date
    AND source.client_id IS NOT NULL
    AND source.user_id IS NOT NULL
