SELECT waiting.tier, waiting.message
FROM (
  SELECT
    entry.tier, entry.message, entry.conversion,
    MIN(entry.tier) OVER () AS lowest,
    ROW_NUMBER() OVER (ORDER BY entry.tier, entry.conversion) AS place
  FROM {{ runs }} AS entry
  WHERE
    entry.run_id = @run_id
    AND entry.date BETWEEN @since AND @until
    AND entry.status = @planned
    AND entry.conversion NOT IN (
      SELECT closed.conversion
      FROM {{ runs }} AS closed
      WHERE
        closed.run_id = @run_id
        AND closed.date BETWEEN @since AND @until
        AND closed.status IN UNNEST(@closed)
    )
) AS waiting
WHERE waiting.tier = waiting.lowest AND (waiting.lowest > @after OR waiting.place = 1)
ORDER BY waiting.conversion
