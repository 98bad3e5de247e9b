  -- the candidates of each person in order, and which one is the first at least the window later
  SELECT
    previous.event_key,
    previous.{{ key }} AS key,
    ROW_NUMBER() OVER (PARTITION BY previous.{{ key }} ORDER BY previous.created, previous.event_key) AS position,
    COUNT(*) OVER (
      PARTITION BY previous.{{ key }} ORDER BY UNIX_MICROS(previous.created)
      RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) - COUNT(*) OVER (
      PARTITION BY previous.{{ key }} ORDER BY UNIX_MICROS(previous.created)
      RANGE BETWEEN {{ gap }} FOLLOWING AND UNBOUNDED FOLLOWING
    ) + 1 AS next_position,
    earlier.created IS NULL
      OR UNIX_MICROS(previous.created) - UNIX_MICROS(earlier.created) >= {{ gap }} AS can_start
  FROM {{ previous }} AS previous
  LEFT JOIN earlier ON earlier.key = previous.{{ key }}
  WHERE previous.removed IS NULL AND previous.{{ key }} IS NOT NULL
