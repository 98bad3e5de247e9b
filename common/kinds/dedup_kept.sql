  SELECT numbered.key, MIN(numbered.position) AS position
  FROM numbered
  WHERE numbered.can_start
  GROUP BY numbered.key
  UNION ALL
  SELECT following.key, following.position
  FROM kept
  INNER JOIN numbered AS present ON present.key = kept.key AND present.position = kept.position
  INNER JOIN numbered AS following ON following.key = present.key AND following.position = present.next_position
