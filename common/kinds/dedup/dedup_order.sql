  -- of each order the first candidate stays, unless the order counted before
  SELECT ranked.* EXCEPT (position, is_published) REPLACE (
    COALESCE(
      ranked.removed, IF(ranked.is_published OR ranked.position > 1, 'duplicate_order', NULL)
    ) AS removed
  )
  FROM (
    SELECT
      previous.*,
      published.id IS NOT NULL AS is_published,
      ROW_NUMBER() OVER (
        PARTITION BY previous.id, previous.removed IS NULL ORDER BY previous.created, previous.event_key
      ) AS position
    FROM {{ previous }} AS previous
    LEFT JOIN (
      SELECT DISTINCT target.id
      FROM {{ target }} AS target
      WHERE (target.date < @start_date OR target.date > @end_date) {{ days }}
      {{ past }}
    ) AS published ON published.id = previous.id
  ) AS ranked
