SELECT
  visit.client_id,
  visit.date,
  visit.started_at,
  visit.session_id,
  visit.landing_page,
  visit.source,
  visit.medium,
  visit.campaign,
  visit.channel_group
FROM {{ known }} AS visit
WHERE
  visit.date BETWEEN DATE_SUB(@start_date, INTERVAL {{ longest }} DAY) AND @end_date
  AND visit.client_id IN (
    -- a visit lends only what an event does not say itself
    SELECT event.client_id
    FROM {{ stage }} AS event
    WHERE
      event.date BETWEEN @start_date AND @end_date
      AND event.event_name IN UNNEST(@event_names)
      AND (
        event.session_id IS NULL
        OR event.page_location IS NULL
        OR COALESCE(event.source, event.medium, event.campaign, event.channel_group) IS NULL
      )
  )
