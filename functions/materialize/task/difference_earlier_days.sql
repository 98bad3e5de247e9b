earlier_days AS (
  -- the days before: their rows stay as they are, and may still learn of visits that came late
  SELECT history.*
  FROM {{ target }} AS history
  WHERE history.date BETWEEN @earliest_date AND DATE_SUB(@start_date, INTERVAL 1 DAY)
),
