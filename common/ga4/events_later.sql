  SELECT {{ columns }}
  FROM {{ target }} AS target
  INNER JOIN {{ visited }} AS visited
    ON visited.property = target.property AND visited.session_id = target.session_id
  WHERE
    target.date BETWEEN GREATEST(@unread_from, @start_date) AND DATE_ADD(@end_date, INTERVAL 93 DAY)
    AND (
      (target.date > @end_date AND visited.date > @end_date)
      -- or of a table that is gone by now
      OR (target.date <= @end_date AND target.event_name IN UNNEST(@event_names) AND NOT {{ is_told }})
    )
