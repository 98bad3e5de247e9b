SELECT
  ARRAY_AGG(DISTINCT IF(entry.status IN UNNEST(@done), entry.definition_version, NULL) IGNORE NULLS) AS versions,
  MAX(IF(entry.status IN UNNEST(@done) AND entry.definition_version = @version, entry.end_date, NULL)) AS done_until,
  MAX(IF(entry.status IN UNNEST(@done) AND entry.definition_version = @version, entry.recorded_at, NULL)) AS done_at,
  MIN(IF(entry.status IN UNNEST(@covered), entry.start_date, NULL)) AS begins
FROM {{ runs }} AS entry
WHERE entry.conversion = @conversion
