SELECT {{ id }} AS id, COUNT(*) AS conversions
FROM {{ conversion }} AS conversion
WHERE
  conversion.date BETWEEN @start_date AND @end_date
  AND conversion.user_id IS NOT NULL
  AND conversion.value_project IS NOT NULL
  AND conversion.is_qualified IS NOT FALSE
