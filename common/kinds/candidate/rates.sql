SELECT day, {{ own }} AS currency, 1.0 AS rate, day AS rate_date
    FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
    UNION ALL
    SELECT dated.day, dated.currency, dated.rate, dated.rate_date
    FROM (
      SELECT day, listed.currency, listed.rate, listed.date AS rate_date
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN {{ rates }} AS listed
        ON listed.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      WHERE listed.currency <> {{ own }}
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day, listed.currency ORDER BY listed.date DESC) = 1
    ) AS dated
