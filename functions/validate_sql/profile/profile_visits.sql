SELECT event.user_pseudo_id AS client_id, TIMESTAMP_MICROS(MIN(event.event_timestamp)) AS first_seen
    FROM {{ export }} AS event
    WHERE event.user_pseudo_id IS NOT NULL
    GROUP BY 1
