-- Ids of the runs that fit, the newest first, each with when it began.
WITH
entry AS (
  SELECT ledger.run_id, ledger.conversion, ledger.status, ledger.recorded_at
  FROM {{ runs }} AS ledger
  WHERE ledger.date >= @since
),
-- how far each run is with each of its conversions
newest AS (
  SELECT entry.run_id, entry.status
  FROM entry
  WHERE entry.conversion <> '' AND entry.status NOT IN UNNEST(@notes)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY entry.run_id, entry.conversion ORDER BY entry.recorded_at DESC) = 1
),
outcome AS (
  SELECT
    newest.run_id,
    LOGICAL_OR(newest.status NOT IN UNNEST(@closed)) AS is_open,
    LOGICAL_OR(newest.status = @failed) AS is_failed,
    LOGICAL_OR(newest.status = @held) AS is_held
  FROM newest
  GROUP BY newest.run_id
),
run AS (
  SELECT
    entry.run_id,
    MIN(entry.recorded_at) AS started_at,
    LOGICAL_OR(entry.conversion = '' AND entry.status = @held) AS is_held,
    LOGICAL_OR(entry.conversion = '' AND entry.status = @cancelled) AS is_cancelled,
    LOGICAL_OR(entry.conversion = '' AND entry.status = @failed) AS is_unplannable,
    LOGICAL_OR(entry.conversion = '' AND entry.status = @unchanged) AS is_empty,
    LOGICAL_OR(@conversion = '' OR entry.conversion = @conversion) AS fits
  FROM entry
  GROUP BY entry.run_id
)
SELECT run.run_id, run.started_at
FROM run
LEFT JOIN outcome ON outcome.run_id = run.run_id
WHERE
  run.fits
  AND (
    @status = ''
    OR @status = CASE
      WHEN run.is_cancelled THEN 'cancelled'
      WHEN outcome.run_id IS NULL AND run.is_unplannable THEN 'failed'
      WHEN outcome.is_open OR (outcome.run_id IS NULL AND NOT run.is_empty) THEN 'running'
      WHEN outcome.is_failed THEN 'failed'
      WHEN outcome.is_held OR run.is_held THEN 'held'
      ELSE 'finished'
    END
  )
  AND (
    @before IS NULL
    OR run.started_at < @before
    OR (run.started_at = @before AND run.run_id > @before_id)
  )
ORDER BY run.started_at DESC, run.run_id
LIMIT @limit
