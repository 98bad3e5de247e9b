  SELECT previous.* REPLACE (
    COALESCE(
      previous.removed,
      IF(published.id IS NOT NULL OR ROW_NUMBER() OVER (
        PARTITION BY previous.id, previous.removed IS NULL ORDER BY previous.created, previous.event_key
      ) > 1, 'duplicate_order', NULL)
    ) AS removed
  )
  FROM {{ previous }} AS previous
  LEFT JOIN (
    SELECT DISTINCT target.id
    FROM {{ target }} AS target
    WHERE target.date < @start_date OR target.date > @end_date
  ) AS published ON published.id = previous.id
