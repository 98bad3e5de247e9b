  -- of each session the first candidate stays, unless the session counted before
  SELECT ranked.* EXCEPT (position, is_published) REPLACE (
    COALESCE(
      ranked.removed,
      IF(
        ranked.session_id IS NOT NULL AND (ranked.is_published OR ranked.position > 1),
        'duplicate_session', NULL
      )
    ) AS removed
  )
  FROM (
    SELECT
      previous.*,
      published.session_id IS NOT NULL AS is_published,
      ROW_NUMBER() OVER (
        PARTITION BY previous.session_id, previous.removed IS NULL
        ORDER BY previous.created, previous.event_key
      ) AS position
    FROM {{ previous }} AS previous
    LEFT JOIN (
      SELECT DISTINCT target.session_id
      FROM {{ target }} AS target
      WHERE target.date {{ days }}
      {{ past }}
    ) AS published ON published.session_id = previous.session_id
  ) AS ranked
