WITH
known AS (
  -- what the ledger says of the conversion, of the run as a whole, and of the stage
  SELECT
    entry.run_id, entry.conversion, entry.trigger, entry.definition_version, entry.start_date, entry.end_date,
    entry.status, entry.recorded_at, entry.fence
  FROM {{ runs }} AS entry
  WHERE entry.conversion IN (@conversion, '') AND (entry.conversion = @conversion OR entry.run_id = @run_id OR entry.status = @staged)
)
SELECT
  ARRAY(
    SELECT AS STRUCT
      known.conversion, known.trigger, known.definition_version, known.start_date, known.end_date, known.status
    FROM known
    WHERE known.run_id = @run_id
    ORDER BY known.recorded_at
  ) AS entries,
  ARRAY_AGG(
    DISTINCT IF(known.conversion = @conversion AND known.status IN UNNEST(@done), known.definition_version, NULL) IGNORE NULLS
  ) AS versions,
  MAX(IF(known.status IN UNNEST(@done) AND known.definition_version = @version, known.end_date, NULL)) AS done_until,
  MAX(IF(known.status IN UNNEST(@done) AND known.definition_version = @version, known.recorded_at, NULL)) AS done_at,
  MIN(IF(known.status IN UNNEST(@covered), known.start_date, NULL)) AS begins,
  MAX(IF(known.status IN UNNEST(@settled), known.fence, NULL)) AS settled_fence,
  TO_JSON_STRING(STRUCT(
    COUNTIF(known.status = @staged) AS times, MAX(IF(known.status = @staged, known.recorded_at, NULL)) AS newest
  )) AS staged,
  (SELECT MAX(leases.fence) FROM {{ leases }} AS leases WHERE leases.name = @conversion AND leases.holder IS NULL) AS free_fence,
  (SELECT COUNT(*) > 0 FROM {{ leases }} AS leases WHERE leases.name = @conversion) AS has_lease,
  (
    SELECT TO_JSON_STRING(STRUCT(COUNT(*) AS versions, MAX(definitions.created_at) AS newest))
    FROM {{ definitions }} AS definitions
  ) AS definitions
FROM known
