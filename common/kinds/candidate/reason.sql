IF(
      c.removed IS NULL,
      COALESCE(
        {{ by_itself }},
        -- only rows that may count compete: a broken one, or one of another day, pushes nobody out
        IF(
          ROW_NUMBER() OVER (
            PARTITION BY
              c.id,
              c.removed IS NULL AND {{ of_one_row }} IS NULL AND DATE(c.created, @timezone) BETWEEN @start_date AND @end_date
            ORDER BY c.created DESC, {{ order }}
          ) > 1,
          'duplicate_id', NULL
        )
      ),
      -- kinds that remove duplicates have judged each row before
      IF(c.removed IN UNNEST({{ known }}), c.removed, NULL)
    )
