WITH
purchase AS (
  -- the purchases of the days that are judged
  SELECT event.date, event.property, event.order_id, event.client_id, event.revenue, event.copies
  FROM {{ stage }} AS event
  WHERE event.event_name = 'purchase' AND event.date BETWEEN @start_date AND @end_date
),
shared AS (
  -- order ids that more clients show than one person and a shop's own server have, and still do
  SELECT
    purchase.property,
    purchase.order_id,
    COUNT(DISTINCT purchase.client_id) AS clients,
    COUNT(*) AS purchases,
    SUM(purchase.revenue) AS value,
    MIN(purchase.revenue) AS kept
  FROM purchase
  WHERE purchase.order_id IS NOT NULL
  GROUP BY purchase.property, purchase.order_id
  HAVING COUNT(DISTINCT purchase.client_id) > {{ clients }} AND MAX(purchase.date) >= @week_start
),
crowded AS (
  -- clients that show more orders than one person places: a server that sends one id for all
  SELECT counted.property, COUNT(*) AS clients, MAX(counted.orders) AS most
  FROM (
    SELECT
      purchase.property,
      purchase.client_id,
      COUNT(DISTINCT purchase.order_id) AS orders,
      MAX(purchase.date) AS last_date
    FROM purchase
    WHERE purchase.client_id IS NOT NULL
    GROUP BY purchase.property, purchase.client_id
  ) AS counted
  WHERE
    counted.last_date >= @week_start
    AND counted.orders >= {{ crowd }} AND counted.orders > 0.01 * (SELECT COUNT(*) FROM purchase)
  GROUP BY counted.property
),
unknown AS (
  -- refunds without an order, or of one that no purchase has
  SELECT event.date
  FROM {{ stage }} AS event
  WHERE
    event.event_name = 'refund'
    AND event.date BETWEEN @start_date AND @end_date
    AND (
      event.order_id IS NULL
      OR {{ order_of_refund }} NOT IN (
        SELECT {{ order_of_memory }} FROM {{ orders }} AS memory WHERE memory.date BETWEEN @oldest AND @end_date
      )
    )
),
clicked AS (
  -- whom an ad brought in the time that a click may count
  SELECT click.client_id, MAX(click.date) AS date
  FROM {{ clicks }} AS click
  WHERE click.date BETWEEN DATE_SUB(@week_start, INTERVAL {{ longest }} DAY) AND @end_date AND click.kind IN ({{ taken }})
  GROUP BY click.client_id
),
of_day AS (
  -- how often each event of the definitions was seen on each day of a property's stream
  SELECT event.property, event.stream_id, event.event_name, event.date, COUNT(*) AS seen
  FROM {{ stage }} AS event
  WHERE event.event_name IN UNNEST(@names) AND event.date BETWEEN @start_date AND @end_date
  GROUP BY event.property, event.stream_id, event.event_name, event.date
),
named AS (
  -- the events, and when each was seen: of a property as a whole, where the stream is NULL, and of each of its streams
  SELECT
    of_day.property,
    of_day.stream_id,
    of_day.event_name,
    SUM(of_day.seen) AS seen,
    MIN(of_day.date) AS first_date,
    MAX(of_day.date) AS last_date,
    ARRAY_AGG(STRUCT(of_day.date, of_day.seen) ORDER BY of_day.date) AS daily
  FROM (
    SELECT whole.property, CAST(NULL AS STRING) AS stream_id, whole.event_name, whole.date, SUM(whole.seen) AS seen
    FROM of_day AS whole
    GROUP BY whole.property, whole.event_name, whole.date
    UNION ALL
    SELECT part.property, part.stream_id, part.event_name, part.date, part.seen
    FROM of_day AS part
    WHERE part.stream_id IS NOT NULL
  ) AS of_day
  GROUP BY of_day.property, of_day.stream_id, of_day.event_name
),
visited AS (
  -- the traffic of each day
  SELECT visit.property, visit.date, COUNT(*) AS visits
  FROM {{ visits }} AS visit
  WHERE visit.date BETWEEN @start_date AND @end_date
  GROUP BY visit.property, visit.date
),
newest AS (
  -- the last day of which GA4 has told anything of a property
  SELECT visited.property, MAX(visited.date) AS date FROM visited GROUP BY visited.property
)
SELECT
  @end_date AS until,
  ARRAY(
    SELECT AS STRUCT
      named.property, named.stream_id, named.event_name, named.seen, DATE_DIFF(named.last_date, named.first_date, DAY) + 1 AS days, named.last_date,
      newest.date AS newest_date, named.daily
    FROM named
    INNER JOIN newest ON newest.property = named.property
    WHERE named.last_date < DATE_SUB(newest.date, INTERVAL 1 DAY)
    ORDER BY named.property, named.event_name, named.stream_id
  ) AS stopped,
  ARRAY(
    SELECT AS STRUCT named.property, named.event_name
    FROM named
    WHERE named.stream_id IS NULL
    ORDER BY named.property, named.event_name
  ) AS known,
  ARRAY(
    SELECT AS STRUCT visited.property, visited.date, visited.visits
    FROM visited
    ORDER BY visited.property, visited.date
  ) AS visits,
  (SELECT COUNT(DISTINCT visit.client_id) FROM {{ visits }} AS visit WHERE visit.date BETWEEN @week_start AND @end_date) AS visiting,
  (SELECT COUNT(*) FROM clicked WHERE clicked.date >= @week_start) AS clicking,
  (SELECT COUNT(DISTINCT purchase.client_id) FROM purchase WHERE purchase.date >= @week_start) AS buying,
  (
    SELECT COUNT(DISTINCT purchase.client_id)
    FROM purchase
    INNER JOIN clicked ON clicked.client_id = purchase.client_id
    WHERE purchase.date >= @week_start
  ) AS brought,
  (SELECT COUNTIF(purchase.date = @end_date) FROM purchase) AS new_purchases,
  (SELECT COALESCE(SUM(IF(purchase.date = @end_date, purchase.copies, 0)), 0) FROM purchase) AS new_copies,
  (SELECT COUNTIF(purchase.date >= @week_start) FROM purchase) AS week_purchases,
  (SELECT COALESCE(SUM(IF(purchase.date >= @week_start, purchase.copies, 0)), 0) FROM purchase) AS week_copies,
  (SELECT COUNT(*) FROM purchase) AS purchases,
  -- what did not happen in a week is over
  (
    SELECT IF(LOGICAL_OR(purchase.order_id IS NULL AND purchase.date >= @week_start), COUNTIF(purchase.order_id IS NULL), 0)
    FROM purchase
  ) AS without_id,
  (SELECT COALESCE(SUM(purchase.copies), 0) FROM purchase) AS copies,
  (SELECT IF(MAX(unknown.date) >= @week_start, COUNT(*), 0) FROM unknown) AS unknown_refunds,
  ARRAY(
    SELECT AS STRUCT shared.order_id, shared.property, shared.clients, shared.purchases, shared.value, shared.kept
    FROM shared
    ORDER BY shared.purchases DESC, shared.order_id
    LIMIT 10
  ) AS shared,
  ARRAY(
    SELECT AS STRUCT crowded.property, crowded.clients, crowded.most
    FROM crowded
    ORDER BY crowded.property
  ) AS crowded
