{{ kind }}_edges AS (
  -- one target an id: the newest record, and of records with numbers the largest
  SELECT edge.gone, edge.kept
  FROM (
    {{ edges }}
  ) AS edge
  WHERE edge.gone IS NOT NULL AND edge.kept IS NOT NULL AND edge.gone <> edge.kept
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY edge.gone ORDER BY SAFE_CAST(edge.kept AS INT64) DESC, edge.kept DESC
  ) = 1
),
{{ kind }}_walk AS (
  SELECT edge.gone, edge.kept, 1 AS hops
  FROM {{ kind }}_edges AS edge
  UNION ALL
  SELECT walk.gone, edge.kept, walk.hops + 1 AS hops
  FROM {{ kind }}_walk AS walk
  INNER JOIN {{ kind }}_edges AS edge ON edge.gone = walk.kept
  WHERE walk.hops < {{ most }}
),
{{ kind }}_folded AS (
  -- a walk that has not ended by now goes round in a circle: its smallest id is kept
  SELECT walked.gone, walked.kept
  FROM (
    SELECT
      walk.gone,
      IF(
        MAX(walk.hops) = {{ most }},
        MIN(IF(walk.hops > {{ most }} / 2, walk.kept, NULL)),
        ARRAY_AGG(walk.kept ORDER BY walk.hops DESC LIMIT 1)[OFFSET(0)]
      ) AS kept
    FROM {{ kind }}_walk AS walk
    GROUP BY walk.gone
  ) AS walked
  WHERE walked.gone <> walked.kept
)
