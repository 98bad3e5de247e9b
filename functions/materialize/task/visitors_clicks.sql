SELECT
  click.client_id,
  click.date,
  click.kind,
  click.value,
  click.clicked_at,
  counted.last_date
FROM {{ known }} AS click
INNER JOIN (
  -- whoever counted in the days, and when last: a shorter window needs only who counted in it
  SELECT event.client_id, MAX(event.date) AS last_date
  FROM {{ stage }} AS event
  WHERE
    event.date BETWEEN @start_date AND @end_date
    AND event.event_name IN UNNEST(@event_names)
    AND (event.date >= @late_start OR event.event_name IN UNNEST(@lasting_names))
  GROUP BY event.client_id
) AS counted ON counted.client_id = click.client_id
WHERE
  click.date BETWEEN DATE_SUB(@start_date, INTERVAL {{ longest }} DAY) AND @end_date
