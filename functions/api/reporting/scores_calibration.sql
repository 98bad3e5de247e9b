-- The newest judgment of each month of leads.
SELECT
  cohort.date, cohort.leads, cohort.predicted_wins, cohort.actual_wins, cohort.wins_margin,
  cohort.predicted_value, cohort.actual_value, cohort.value_margin, cohort.complaint
FROM {{ calibration }} AS cohort
WHERE cohort.conversion = @conversion
QUALIFY ROW_NUMBER() OVER (PARTITION BY cohort.date ORDER BY cohort.recorded_at DESC) = 1
ORDER BY cohort.date
