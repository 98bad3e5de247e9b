SELECT day, {{ own }} AS currency, 1.0 AS rate, day AS rate_date
    FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
    UNION ALL
    SELECT dated.day, dated.currency, dated.rate, dated.rate_date
    FROM (
      SELECT day, listed.currency, listed.rate, listed.date AS rate_date
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN {{ rates }} AS listed
        ON listed.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      -- a rate that was left empty, or is zero, is none: the one before it counts
      WHERE listed.currency <> {{ own }} AND listed.rate > 0
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day, listed.currency ORDER BY listed.date DESC, listed.rate) = 1
    ) AS dated
