SELECT AS STRUCT
      event.astray.property,
      event.astray.day,
      COUNT(*) AS events,
      COUNTIF(event.astray.is_staged) AS staged,
      ARRAY_AGG(STRUCT(event.astray.event_name, event.astray.micros) ORDER BY event.astray.micros, event.astray.event_name LIMIT 1)[SAFE_OFFSET(0)] AS example
    FROM {{ scanned }} AS event
    WHERE event.astray IS NOT NULL
    GROUP BY event.astray.property, event.astray.day
    ORDER BY event.astray.property, event.astray.day
