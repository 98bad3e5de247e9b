SELECT
  click.client_id,
  click.date,
  click.kind,
  click.value,
  click.clicked_at
FROM {{ known }} AS click
WHERE
  click.date BETWEEN DATE_SUB(@start_date, INTERVAL {{ longest }} DAY) AND @end_date
  AND click.client_id IN (
    SELECT event.client_id
    FROM {{ stage }} AS event
    WHERE event.date BETWEEN @start_date AND @end_date AND event.event_name IN UNNEST(@event_names)
  )
