days AS (
  -- the newest finished run of the table over each day
  SELECT day, run.status, run.rows_read, run.recorded_at
  FROM {{ runs }} AS run
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(run.start_date, run.end_date)) AS day
  WHERE
    run.conversion = @conversion
    AND run.status IN ('applied', 'unchanged', 'recovered', 'held', 'failed')
  QUALIFY ROW_NUMBER() OVER (PARTITION BY day ORDER BY run.recorded_at DESC) = 1
),
healthy AS (
  -- only a run that read rows proves that one of them is gone
  SELECT days.day, days.recorded_at
  FROM days
  WHERE days.status IN ('applied', 'unchanged', 'recovered') AND COALESCE(days.rows_read, 1) > 0
)
