  SELECT {{ columns }}
  FROM {{ target }} AS target
  INNER JOIN {{ visited }} AS visited
    ON visited.property = target.property AND visited.session_id = target.session_id
  WHERE
    target.date BETWEEN @takes_from AND DATE_ADD(@end_date, INTERVAL 93 DAY)
    AND (
      (target.date > @end_date AND visited.date > @end_date)
      -- of a table that is gone by now, and of a visit that no other tells
      OR (
        target.date <= @end_date
        AND target.event_name IN UNNEST(@event_names)
        AND CONCAT(target.property, '/', COALESCE(target.shard, FORMAT_DATE('%Y%m%d', target.date)))
          NOT IN UNNEST(@existing)
        AND CONCAT(target.property, '/', target.session_id) NOT IN (
          SELECT CONCAT(scanned.property, '/', scanned.session_id)
          FROM {{ scanned }} AS scanned
          WHERE scanned.begun IS NOT NULL AND scanned.session_id IS NOT NULL
        )
      )
    )
