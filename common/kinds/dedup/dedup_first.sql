  -- of each person the first candidate ever stays
  SELECT ranked.* EXCEPT (position, is_published) REPLACE (
    COALESCE(
      ranked.removed,
      IF(
        ranked.person_id IS NOT NULL AND (ranked.is_published OR ranked.position > 1),
        'duplicate_user', NULL
      )
    ) AS removed
  )
  FROM (
    SELECT
      previous.*,
      earlier.key IS NOT NULL AS is_published,
      ROW_NUMBER() OVER (
        PARTITION BY previous.person_id, previous.removed IS NULL
        ORDER BY previous.created, previous.event_key
      ) AS position
    FROM {{ previous }} AS previous
    LEFT JOIN earlier ON earlier.key = {{ key }}
  ) AS ranked
