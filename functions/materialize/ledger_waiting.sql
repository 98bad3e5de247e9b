SELECT waiting.tier, waiting.message
FROM (
  SELECT entry.tier, entry.conversion, entry.message, MIN(entry.tier) OVER () AS lowest
  FROM {{ runs }} AS entry
  WHERE
    entry.run_id = @run_id
    AND entry.status = @planned
    AND entry.conversion NOT IN (
      SELECT closed.conversion
      FROM {{ runs }} AS closed
      WHERE closed.run_id = @run_id AND closed.status IN UNNEST(@closed)
    )
) AS waiting
WHERE waiting.tier = waiting.lowest AND waiting.lowest > @after
ORDER BY waiting.conversion
