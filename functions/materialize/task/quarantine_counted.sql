SELECT
  counted.*,
  ARRAY(
    SELECT AS STRUCT judged.removed, judged.reason, COUNT(*) AS rows_
    FROM (
      SELECT
        c.removed,
        {{ reason }} AS reason
      FROM {{ candidates }} AS c
    ) AS judged
    GROUP BY judged.removed, judged.reason
  ) AS judged,
  (
    SELECT SUM(t.value_project) FROM {{ target }} AS t WHERE t.date BETWEEN @start_date AND @end_date
  ) AS value_before,
  moved.moved_rows,
  moved.moved_value
FROM (
{{ counting }}
) AS counted
CROSS JOIN (
  -- rows whose value moves though neither a refund nor a factor did; new rows move nothing
  SELECT COUNT(*) AS moved_rows, SUM(d.new_value_project - d.old_value_project) AS moved_value
  FROM (
    SELECT
      changed.id,
      changed.change,
      CAST(JSON_VALUE(changed.old_row, '$.value_project') AS FLOAT64) AS old_value_project,
      IF(changed.change = 'delete', 0, COALESCE(changed.value_project, 0)) AS new_value_project,
      COALESCE(changed.value_refunded, 0) <> COALESCE(changed.old_refunded, 0) AS is_refunded,
      COALESCE(changed.normalization_factor, 1) <> COALESCE(changed.old_factor, 1) AS is_rescaled
    FROM {{ difference }} AS changed
    WHERE changed.date BETWEEN @start_date AND @end_date
  ) AS d
  WHERE
    d.change <> 'insert'
    AND d.old_value_project <> d.new_value_project
    AND (d.change = 'delete' OR NOT (d.is_refunded OR d.is_rescaled))
    AND d.id NOT IN (SELECT c.id FROM {{ candidates }} AS c WHERE c.removed = 'fully_refunded' AND c.id IS NOT NULL)
) AS moved
