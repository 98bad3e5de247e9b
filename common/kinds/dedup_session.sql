  SELECT previous.* REPLACE (
    COALESCE(
      previous.removed,
      IF(previous.session_id IS NOT NULL AND (published.session_id IS NOT NULL OR ROW_NUMBER() OVER (
        PARTITION BY previous.session_id, previous.removed IS NULL ORDER BY previous.created, previous.event_key
      ) > 1), 'duplicate_session', NULL)
    ) AS removed
  )
  FROM {{ previous }} AS previous
  LEFT JOIN (
    -- a session that crosses the start of the window began at most two days before
    SELECT DISTINCT target.session_id
    FROM {{ target }} AS target
    WHERE target.date BETWEEN DATE_SUB(@start_date, INTERVAL 2 DAY) AND DATE_SUB(@start_date, INTERVAL 1 DAY)
  ) AS published ON published.session_id = previous.session_id
