WITH
changes AS (
  -- what the write would do, and on which days
  SELECT
    COUNTIF(d.change = 'insert') AS inserted,
    COUNTIF(d.change = 'update') AS updated,
    COUNTIF(d.change = 'delete') AS deleted,
    MIN(LEAST(d.date, COALESCE(d.old_date, d.date))) AS first_changed,
    MAX(GREATEST(d.date, COALESCE(d.old_date, d.date))) AS last_changed,
    COUNTIF(d.is_moved) AS moved_rows,
    SUM(IF(d.is_moved, d.new_value_project - d.old_value_project, NULL)) AS moved_value
  FROM (
    SELECT
      d.change,
      d.date,
      d.old_date,
      d.old_value_project,
      d.new_value_project,
      -- rows whose value moves though neither a refund nor a factor did; new rows move nothing
      d.change <> 'insert'
      AND d.date BETWEEN @start_date AND @end_date
      AND d.old_value_project <> d.new_value_project
      AND (d.change = 'delete' OR NOT (d.is_refunded OR d.is_rescaled)){{ returned }} AS is_moved
    FROM (
      SELECT
        changed.id,
        changed.date,
        changed.old_date,
        changed.change,
        changed.old_row.value_project AS old_value_project,
        IF(changed.change = 'delete', 0, COALESCE(changed.value_project, 0)) AS new_value_project,
        COALESCE(changed.value_refunded, 0) <> COALESCE(changed.old_refunded, 0) AS is_refunded,
        COALESCE(changed.normalization_factor, 1) <> COALESCE(changed.old_factor, 1) AS is_rescaled
      FROM {{ difference }} AS changed
    ) AS d
  ) AS d
),
known AS (
  -- the rows of the window and of the weeks before: those that stand, and those that the write leaves
  SELECT
    target.date, target.value, target.value_project, target.currency, target.value_problem, target.refund_status,
    target.value_refunded,
    TRUE AS stands,
    target.id NOT IN (SELECT d.id FROM {{ difference }} AS d WHERE d.change <> 'insert') AS stays
  FROM {{ target }} AS target
  WHERE target.date BETWEEN LEAST(@start_date, DATE_SUB(@closed_date, INTERVAL 29 DAY), @recent_start) AND @end_date
  UNION ALL
  SELECT
    d.date, d.value, d.value_project, d.currency, d.value_problem, d.refund_status, d.value_refunded,
    FALSE AS stands,
    TRUE AS stays
  FROM {{ difference }} AS d
  WHERE d.change <> 'delete'
),
day AS (
  -- conversions and value of each recent day: for the list of conversions, and up to the last closed one to judge it
  SELECT rows_.date, COUNT(*) AS conversions, SUM(rows_.value_project) AS value
  FROM (
    SELECT known.date, known.value_project
    FROM known
    WHERE known.stays AND known.date BETWEEN LEAST(@recent_start, DATE_SUB(@closed_date, INTERVAL 29 DAY)) AND @recent_end
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
    COUNTIF(known.stands AND known.date >= @start_date) AS before,
    SUM(IF(known.stands AND known.date >= @start_date, known.value_project, NULL)) AS value_before,
    COUNTIF(
      known.stands AND known.date < @closed_date AND MOD(DATE_DIFF(@closed_date, known.date, DAY), 7) = 0
      AND known.date >= DATE_SUB(@closed_date, INTERVAL 28 DAY)
    ) / 4 AS usual_before_write,
    SUM(IF(known.stays AND known.date >= @start_date, known.value_project, NULL)) AS total,
    COUNTIF(
      known.stays AND known.date >= @start_date AND known.value IS NOT NULL AND known.value_project IS NULL
      AND known.currency IS NOT NULL
    ) AS without_rate,
    COUNTIF(
      known.stays AND known.date >= @start_date AND known.value_problem IN ('unreadable_value', 'negative_value', 'unknown_unit')
    ) AS bad_values,
    COUNTIF(known.stays AND known.date >= @start_date AND known.value_problem = 'unreadable_currency') AS bad_currencies,
    COUNTIF(
      known.stays AND known.date >= @start_date
      AND (known.value_problem = 'unknown_refund' OR (known.refund_status = 'partial' AND known.value_refunded = 0))
    ) AS unknown_refunds,
    ARRAY_AGG(
      DISTINCT IF(
        known.stays AND known.date >= @start_date AND known.value IS NOT NULL AND known.value_project IS NULL,
        known.currency, NULL
      ) IGNORE NULLS
    ) AS currencies
  FROM known
)
SELECT
  changes.inserted, changes.updated, changes.deleted, changes.first_changed, changes.last_changed,
  changes.moved_rows, changes.moved_value,
  totals.before, totals.value_before, totals.usual_before_write,
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
CROSS JOIN totals
