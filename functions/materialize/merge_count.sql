SELECT
  (SELECT COUNTIF(d.change = 'insert') FROM {{ difference }} AS d) AS inserted,
  (SELECT COUNTIF(d.change = 'update') FROM {{ difference }} AS d) AS updated,
  (SELECT COUNTIF(d.change = 'delete') FROM {{ difference }} AS d) AS deleted,
  (SELECT COUNT(*) FROM {{ target }} AS t WHERE t.date BETWEEN @start_date AND @end_date) AS before
