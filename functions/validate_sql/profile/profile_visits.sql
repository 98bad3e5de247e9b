SELECT event.user_pseudo_id AS client_id, TIMESTAMP_MICROS(MIN(event.event_timestamp)) AS first_seen
    FROM {{ export }} AS event
    WHERE
      event._TABLE_SUFFIX BETWEEN @first_suffix AND @last_suffix
      AND REGEXP_CONTAINS(event._TABLE_SUFFIX, r'^\d{6}$')
      AND event.user_pseudo_id IS NOT NULL
    GROUP BY 1
