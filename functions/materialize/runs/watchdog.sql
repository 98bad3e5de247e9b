WITH
open_tasks AS (
  SELECT planned.run_id, planned.conversion, planned.tier, planned.message
  FROM {{ runs }} AS planned
  WHERE
    planned.status = @planned
    AND planned.recorded_at BETWEEN @since AND @until
    AND NOT EXISTS (
      SELECT 1
      FROM {{ runs }} AS ended
      WHERE
        ended.run_id = planned.run_id
        AND ended.conversion = planned.conversion
        AND ended.status IN UNNEST(@closed)
    )
)
SELECT open_tasks.message
FROM open_tasks
QUALIFY open_tasks.tier = MIN(open_tasks.tier) OVER (PARTITION BY open_tasks.run_id)
UNION ALL
SELECT asked.message
FROM {{ runs }} AS asked
WHERE
  asked.status = @requested
  AND asked.recorded_at BETWEEN @since AND @until
  AND NOT EXISTS (
    SELECT 1
    FROM {{ runs }} AS later
    WHERE
      later.run_id = asked.run_id
      -- what a run has read or could not read is no plan; who has read just now is at work
      AND (
        COALESCE(later.conversion, '') <> ''
        OR later.status NOT IN UNNEST(@unplanned)
        OR later.recorded_at > @until
      )
  )
