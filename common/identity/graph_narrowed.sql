WITH
edges AS (
  -- who was seen with whom
{{ edges }}
),
counted AS (
  -- the clients of some days, and the users that their events name
  SELECT DISTINCT event.client_id, event.user_id
  FROM {{ stage }} AS event
  WHERE
    event.date BETWEEN @start_date AND @end_date
    AND event.event_name IN UNNEST(@event_names)
    AND (event.date >= @late_start OR event.event_name IN UNNEST(@lasting_names))
),
users AS (
  -- with the users whom edges name
  SELECT counted.user_id FROM counted
  UNION DISTINCT
  SELECT edges.user_id FROM edges INNER JOIN counted ON counted.client_id = edges.client_id
),
clients AS (
  -- with every client of these users: who counted before may be one of them
  SELECT counted.client_id FROM counted
  UNION DISTINCT
  SELECT edges.client_id FROM edges INNER JOIN users ON users.user_id = edges.user_id
)
SELECT edges.kind, edges.client_id, edges.user_id, edges.since
FROM edges
WHERE edges.kind = 'shared' OR edges.client_id IN (SELECT clients.client_id FROM clients)
