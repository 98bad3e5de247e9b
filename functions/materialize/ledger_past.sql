SELECT
  ARRAY_AGG(DISTINCT IF(entry.status IN UNNEST(@done), entry.definition_version, NULL) IGNORE NULLS) AS versions,
  COUNTIF(entry.fence = @fence) > 0 AS has_fence
FROM {{ runs }} AS entry
WHERE entry.conversion = @conversion
