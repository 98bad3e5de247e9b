SELECT day, 1.0 AS dollars
    FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
