  UNION ALL
  SELECT {{ earlier_columns }}
  FROM (
    SELECT
      earlier_days.* REPLACE (
        {{ earlier_lent }}
      )
    FROM earlier_days
    LEFT JOIN known ON known.id = earlier_days.id
  ) AS earlier_days
