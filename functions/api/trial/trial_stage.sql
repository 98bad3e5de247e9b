(
  SELECT {{ columns }}
  FROM {{ stage }} AS event
  WHERE NOT (event.event_name IN UNNEST({{ events }}) AND event.date BETWEEN {{ first_day }} AND {{ last_day }})
  UNION ALL
  SELECT {{ columns }}
  FROM {{ read }} AS event
  WHERE event.event_name IN UNNEST({{ events }})
)
