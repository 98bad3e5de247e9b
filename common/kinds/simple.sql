  SELECT
  event.event_key,
  event.revenue AS paid,
  COALESCE(event.currency, {{ own }}) AS paid_currency,
  {{ columns }}
  FROM {{ stage }} AS event
  WHERE
    event.date BETWEEN @start_date AND @end_date
    AND event.event_name IN UNNEST(@event_names)
    AND {{ filters }}
