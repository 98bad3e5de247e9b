  SELECT previous.* REPLACE (
    COALESCE(
      previous.removed,
      IF(previous.person_id IS NOT NULL AND (earlier.key IS NOT NULL OR ROW_NUMBER() OVER (
        PARTITION BY previous.person_id, previous.removed IS NULL ORDER BY previous.created, previous.event_key
      ) > 1), 'duplicate_user', NULL)
    ) AS removed
  )
  FROM {{ previous }} AS previous
  LEFT JOIN earlier ON earlier.key = previous.person_id
