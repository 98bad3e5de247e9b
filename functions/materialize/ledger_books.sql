WITH
known AS (
  -- what the ledger says of the conversion, of the run as a whole, and of the stage
  SELECT
    entry.run_id, entry.conversion, entry.trigger, entry.definition_version, entry.start_date, entry.end_date,
    entry.status, entry.recorded_at, entry.fence
  FROM {{ runs }} AS entry
  WHERE entry.conversion IN (@conversion, '') AND (entry.conversion = @conversion OR entry.run_id = @run_id OR entry.status = @staged)
),
past AS (
  -- in one row, also where nothing was ever run
  SELECT
    ARRAY_AGG(
      IF(
        known.run_id = @run_id,
        STRUCT(
          known.conversion, known.trigger, known.definition_version, known.start_date, known.end_date, known.status
        ),
        NULL
      ) IGNORE NULLS
      ORDER BY known.recorded_at
    ) AS entries,
    ARRAY_AGG(
      DISTINCT IF(known.conversion = @conversion AND known.status IN UNNEST(@done), known.definition_version, NULL) IGNORE NULLS
    ) AS versions,
    MAX(IF(known.status IN UNNEST(@done) AND known.definition_version = @version, known.end_date, NULL)) AS done_until,
    MAX(IF(known.status IN UNNEST(@done) AND known.definition_version = @version, known.recorded_at, NULL)) AS done_at,
    MIN(IF(known.status IN UNNEST(@covered), known.start_date, NULL)) AS begins,
    MAX(IF(known.status IN UNNEST(@settled), known.fence, NULL)) AS settled_fence,
    COUNTIF(known.status = @staged) AS times_staged,
    MAX(IF(known.status = @staged, known.recorded_at, NULL)) AS newest_staged
  FROM known
),
lease AS (
  -- who has it, at which fence it is free
  SELECT
    MAX(IF(leases.holder IS NULL, leases.fence, NULL)) AS free_fence,
    COUNT(*) > 0 AS has_lease
  FROM {{ leases }} AS leases
  WHERE leases.name = @conversion
),
saved AS (
  -- what changes with each version of a definition
  SELECT COUNT(*) AS versions_saved, MAX(definitions.created_at) AS newest_saved
  FROM {{ definitions }} AS definitions
)
SELECT past.*, lease.*, saved.*
FROM past
CROSS JOIN lease
CROSS JOIN saved
