  -- of each person the candidates that count: the next one is at least the window after the one before
  SELECT numbered.key, MIN(numbered.position) AS position
  FROM numbered
  WHERE numbered.can_start
  GROUP BY numbered.key
  UNION ALL
  SELECT next_row.key, next_row.position
  FROM kept
  INNER JOIN numbered AS present ON present.key = kept.key AND present.position = kept.position
  INNER JOIN numbered AS next_row ON next_row.key = present.key AND next_row.position = present.next_position
