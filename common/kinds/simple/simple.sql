  -- the events of the days that pass the filters, each as a candidate
  SELECT
    {{ ours }},
    {{ columns }}
  FROM {{ stage }} AS event
  WHERE
    event.date {{ days }}
    AND event.event_name IN UNNEST(@event_names){{ filters }}
