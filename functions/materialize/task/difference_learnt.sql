  UNION ALL
  SELECT {{ settled_columns }}
  FROM (
    SELECT
      settled.* REPLACE (
        {{ settled_lent }}
      )
    FROM settled
    LEFT JOIN known ON known.id = settled.id
  ) AS settled
