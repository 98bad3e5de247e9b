UNION DISTINCT
      -- an order that counted for nobody, or no longer counts, has been seen all the same
      SELECT event.order_id AS id
      FROM {{ stage }} AS event
      WHERE
        event.date < @start_date
        AND event.event_name IN UNNEST(@event_names)
        AND event.order_id IS NOT NULL
        AND {{ filters }}
