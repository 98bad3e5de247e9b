SELECT of_days.day, of_days.dollars
    FROM (
      SELECT day, known.dollars
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN {{ known }} AS known ON known.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      WHERE
        known.currency = {{ currency }}
        AND known.date BETWEEN DATE_SUB(@start_date, INTERVAL 7 DAY) AND @end_date
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day ORDER BY known.date DESC, known.amounts DESC, known.property) = 1
    ) AS of_days
