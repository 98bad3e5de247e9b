WITH
reading AS (
  -- the daily tables that were not, when they were read, what they had been before
  SELECT
    PARSE_DATE('%Y%m%d', SUBSTR(entry.shard, -8)) AS table_day,
    entry.recorded_at,
    entry.rows_total = LAG(entry.rows_total) OVER tables AND entry.changed_at = LAG(entry.changed_at) OVER tables AS is_same
  FROM {{ shards }} AS entry
  WINDOW tables AS (PARTITION BY entry.dataset, entry.shard ORDER BY entry.recorded_at)
),
covered AS (
  -- the days that tasks brought up to date, and when
  SELECT run.conversion, run.start_date, run.end_date, run.recorded_at
  FROM {{ runs }} AS run
  WHERE run.status IN UNNEST(@covered) AND run.conversion <> ''
),
counted AS (
  -- from when to when each conversion counts
  SELECT
    covered.conversion, MIN(covered.start_date) AS begins, MAX(covered.end_date) AS until,
    MIN(covered.recorded_at) AS since
  FROM covered
  GROUP BY covered.conversion
),
held AS (
  -- the days of the project that they may hold, in whichever time zone the property is
  SELECT DATE_ADD(reading.table_day, INTERVAL shift DAY) AS day, MAX(reading.recorded_at) AS read_at
  FROM reading
  CROSS JOIN UNNEST([-1, 0, 1]) AS shift
  WHERE reading.is_same IS NOT TRUE AND reading.recorded_at >= @oldest
  GROUP BY day
),
due AS (
  -- those that each conversion counts; what is read of older ones after its first run touches its days from the first
  -- that is staged on, as they take sources, clicks and known orders from them
  SELECT
    counted.conversion,
    IF(held.day >= counted.begins, held.day, GREATEST(counted.begins, stage.begins)) AS day,
    held.read_at
  FROM held
  INNER JOIN counted
    ON held.day <= counted.until AND (held.day >= counted.begins OR held.read_at > counted.since)
  CROSS JOIN (
    SELECT MIN(run.start_date) AS begins FROM {{ runs }} AS run WHERE run.status = @staged
  ) AS stage
)
SELECT counted.conversion, counted.begins, MIN(missed.day) AS unfollowed
FROM counted
LEFT JOIN (
  SELECT due.conversion, due.day
  FROM due
  WHERE NOT EXISTS (
    SELECT 1
    FROM covered
    WHERE
      covered.conversion = due.conversion
      AND covered.recorded_at >= due.read_at
      AND due.day BETWEEN covered.start_date AND covered.end_date
  )
) AS missed ON missed.conversion = counted.conversion
GROUP BY counted.conversion, counted.begins
