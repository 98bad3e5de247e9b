SELECT day, {{ own }} AS currency, 1.0 AS rate, day AS rate_date
    FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
