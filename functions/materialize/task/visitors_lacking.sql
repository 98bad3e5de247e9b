FROM {{ stage }} AS event
WHERE
  event.date BETWEEN @start_date AND @end_date
  AND event.event_name IN UNNEST(@event_names)
  AND event.client_id IS NOT NULL
  AND (
    event.session_id IS NULL
    OR event.page_location IS NULL
    OR COALESCE(event.source, event.medium, event.campaign, event.channel_group) IS NULL
  )
