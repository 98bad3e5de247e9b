  -- candidates that follow a counted one too soon are out
  SELECT previous.* REPLACE (
    COALESCE(
      previous.removed,
      IF(numbered.event_key IS NOT NULL AND kept.key IS NULL, 'duplicate_user', NULL)
    ) AS removed
  )
  FROM {{ previous }} AS previous
  LEFT JOIN numbered ON numbered.event_key = previous.event_key
  LEFT JOIN kept ON kept.key = numbered.key AND kept.position = numbered.position
