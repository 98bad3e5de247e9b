  SELECT
  CONCAT({{ order }}, '/', member.id) AS event_key,
  {{ columns }}
  FROM {{ member }} AS member
  WHERE member.date BETWEEN @start_date AND @end_date
