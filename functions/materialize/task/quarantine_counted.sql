WITH
changes AS (
  -- what the write would do, and on which days
  SELECT
    COUNTIF(d.change = 'insert') AS inserted,
    COUNTIF(d.change = 'update') AS updated,
    COUNTIF(d.change = 'delete') AS deleted,
    MIN(LEAST(d.date, COALESCE(d.old_date, d.date))) AS first_changed,
    MAX(GREATEST(d.date, COALESCE(d.old_date, d.date))) AS last_changed
  FROM {{ difference }} AS d
),
moved AS (
  -- rows whose value moves though neither a refund nor a factor did; new rows move nothing
  SELECT COUNT(*) AS moved_rows, SUM(d.new_value_project - d.old_value_project) AS moved_value
  FROM (
    SELECT
      changed.id,
      changed.change,
      changed.old_row.value_project AS old_value_project,
      IF(changed.change = 'delete', 0, COALESCE(changed.value_project, 0)) AS new_value_project,
      COALESCE(changed.value_refunded, 0) <> COALESCE(changed.old_refunded, 0) AS is_refunded,
      COALESCE(changed.normalization_factor, 1) <> COALESCE(changed.old_factor, 1) AS is_rescaled
    FROM {{ difference }} AS changed
    WHERE changed.date BETWEEN @start_date AND @end_date
  ) AS d
  WHERE
    d.change <> 'insert'
    AND d.old_value_project <> d.new_value_project
    AND (d.change = 'delete' OR NOT (d.is_refunded OR d.is_rescaled)){{ returned }}
),
present AS (
  -- the rows of the window and of the weeks before, and which of them the write replaces
  SELECT
    target.date, target.value, target.value_project, target.currency, target.value_problem, target.refund_status,
    target.value_refunded,
    target.id IN (SELECT d.id FROM {{ difference }} AS d WHERE d.change <> 'insert') AS is_replaced
  FROM {{ target }} AS target
  WHERE target.date BETWEEN LEAST(@start_date, DATE_SUB(@closed_date, INTERVAL 29 DAY), @recent_start) AND @end_date
),
standing AS (
  -- what is there before the write
  SELECT
    COUNTIF(present.date >= @start_date) AS before,
    SUM(IF(present.date >= @start_date, present.value_project, NULL)) AS value_before,
    COUNTIF(
      present.date < @closed_date AND MOD(DATE_DIFF(@closed_date, present.date, DAY), 7) = 0
      AND present.date >= DATE_SUB(@closed_date, INTERVAL 28 DAY)
    ) / 4 AS usual_before_write
  FROM present
),
published AS (
  -- the same rows as the write would leave them
  SELECT present.* EXCEPT (is_replaced)
  FROM present
  WHERE NOT present.is_replaced
  UNION ALL
  SELECT d.date, d.value, d.value_project, d.currency, d.value_problem, d.refund_status, d.value_refunded
  FROM {{ difference }} AS d
  WHERE d.change <> 'delete'
),
day AS (
  -- conversions and value of each recent day: for the list of conversions, and up to the last closed one to judge it
  SELECT rows_.date, COUNT(*) AS conversions, SUM(rows_.value_project) AS value
  FROM (
    SELECT published.date, published.value_project
    FROM published
    WHERE published.date BETWEEN LEAST(@recent_start, DATE_SUB(@closed_date, INTERVAL 29 DAY)) AND @recent_end
    UNION ALL
    SELECT later.date, later.value_project
    FROM {{ target }} AS later
    WHERE later.date BETWEEN GREATEST(@recent_start, DATE_ADD(@end_date, INTERVAL 1 DAY)) AND @recent_end
  ) AS rows_
  GROUP BY rows_.date
),
totals AS (
  -- what a person should know of the window
  SELECT
    SUM(IF(published.date >= @start_date, published.value_project, NULL)) AS total,
    COUNTIF(
      published.date >= @start_date AND published.value IS NOT NULL AND published.value_project IS NULL
      AND published.currency IS NOT NULL
    ) AS without_rate,
    COUNTIF(
      published.date >= @start_date AND published.value_problem IN ('unreadable_value', 'negative_value', 'unknown_unit')
    ) AS bad_values,
    COUNTIF(published.date >= @start_date AND published.value_problem = 'unreadable_currency') AS bad_currencies,
    COUNTIF(
      published.date >= @start_date
      AND (published.value_problem = 'unknown_refund' OR (published.refund_status = 'partial' AND published.value_refunded = 0))
    ) AS unknown_refunds,
    ARRAY_AGG(
      DISTINCT IF(
        published.date >= @start_date AND published.value IS NOT NULL AND published.value_project IS NULL,
        published.currency, NULL
      ) IGNORE NULLS
    ) AS currencies
  FROM published
)
SELECT
  changes.inserted, changes.updated, changes.deleted, changes.first_changed, changes.last_changed,
  moved.moved_rows, moved.moved_value,
  standing.before, standing.value_before, standing.usual_before_write,
  totals.total, totals.without_rate, totals.bad_values, totals.bad_currencies, totals.unknown_refunds, totals.currencies,{{ erased }}
  ARRAY(SELECT AS STRUCT day.date, day.conversions, day.value FROM day ORDER BY day.date) AS recent,
  ARRAY(
    SELECT AS STRUCT judged.removed, judged.reason, COUNT(*) AS rows_
    FROM (
      SELECT
        c.removed,
        {{ reason }} AS reason
      FROM {{ candidates }} AS c
    ) AS judged
    GROUP BY judged.removed, judged.reason
  ) AS judged
FROM changes
CROSS JOIN moved
CROSS JOIN standing
CROSS JOIN totals
