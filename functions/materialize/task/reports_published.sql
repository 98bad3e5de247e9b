WITH
day AS (
  -- conversions and value of each recent day, for the list of conversions
  SELECT target.date, COUNT(*) AS conversions, SUM(target.value_project) AS value
  FROM {{ target }} AS target
  WHERE target.date BETWEEN @recent_start AND @recent_end
  GROUP BY target.date
)
SELECT
  ARRAY(SELECT AS STRUCT day.date, day.conversions, day.value FROM day ORDER BY day.date) AS recent,
  (SELECT MAX(leases.fence) FROM {{ leases }} AS leases WHERE leases.name = @lease) AS fence,
  SUM(IF(target.date >= @start_date, target.value_project, NULL)) AS total,
  COUNTIF(
    target.date >= @start_date AND target.value IS NOT NULL AND target.value_project IS NULL AND target.currency IS NOT NULL
  ) AS without_rate,
  COUNTIF(target.date >= @start_date AND target.value_problem IN ('unreadable_value', 'negative_value', 'unknown_unit')) AS bad_values,
  COUNTIF(target.date >= @start_date AND target.value_problem = 'unreadable_currency') AS bad_currencies,
  COUNTIF(target.date >= @start_date AND target.refund_status = 'partial' AND target.value_refunded = 0) AS unknown_refunds,
  ARRAY_AGG(
    DISTINCT IF(target.date >= @start_date AND target.value IS NOT NULL AND target.value_project IS NULL, target.currency, NULL)
    IGNORE NULLS
  ) AS currencies,
  COUNTIF(target.date = @closed_date) AS seen,
  COUNTIF(target.date = DATE_SUB(@closed_date, INTERVAL 1 DAY)) AS seen_before,
  -- the same weekdays of the four weeks before
  COUNTIF(
    target.date < @closed_date AND MOD(DATE_DIFF(@closed_date, target.date, DAY), 7) = 0
    AND target.date >= DATE_SUB(@closed_date, INTERVAL 28 DAY)
  ) / 4 AS usual,
  COUNTIF(
    MOD(DATE_DIFF(@closed_date, target.date, DAY), 7) = 1
    AND target.date BETWEEN DATE_SUB(@closed_date, INTERVAL 29 DAY) AND DATE_SUB(@closed_date, INTERVAL 8 DAY)
  ) / 4 AS usual_before
FROM {{ target }} AS target
WHERE target.date BETWEEN LEAST(@start_date, DATE_SUB(@closed_date, INTERVAL 29 DAY)) AND @end_date
