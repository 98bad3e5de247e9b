=== seed example: confirmed orders with geo
SELECT o.order_id AS id, o.ga_client_id AS client_id, o.confirmed_at AS created, o.total AS value, o.currency AS currency,
       o.status = 'paid' AS is_qualified, o.customer_id AS user_id,
       [STRUCT('country' AS key, o.country AS value), STRUCT('region' AS key, o.region AS value), STRUCT('city' AS key, o.city AS value)] AS params
FROM `shop.crm.orders` AS o
WHERE o.date BETWEEN @start_date AND @end_date AND o.status IN ('confirmed', 'paid')
=== unquoted path and trailing semicolon with a note
SELECT order_id AS id, client_id, created FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date; -- daily
=== a semicolon inside a comment and inside a string
SELECT order_id AS id, /* first; then */ client_id, created -- a;b
FROM shop.crm.orders WHERE note != 'a;b' AND date BETWEEN @start_date AND @end_date
=== GA4 purchases by shard
SELECT
  ecommerce.transaction_id AS id,
  user_pseudo_id AS client_id,
  TIMESTAMP_MICROS(event_timestamp) AS created,
  ecommerce.purchase_revenue AS value,
  (SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'currency') AS currency
FROM `shop.analytics_123.events_*`
WHERE _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date)
  AND event_name = 'purchase'
=== GA4 sessions through CTEs, windows and QUALIFY
WITH events AS (
  SELECT user_pseudo_id, event_timestamp, event_name, event_params,
    (SELECT value.int_value FROM UNNEST(event_params) WHERE key = 'ga_session_id') AS session_id
  FROM `shop.analytics_123.events_*`
  WHERE _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date)
), leads AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY user_pseudo_id, session_id ORDER BY event_timestamp) AS nth
  FROM events
  WHERE event_name = 'generate_lead'
)
SELECT CONCAT(user_pseudo_id, '.', CAST(event_timestamp AS STRING)) AS id, user_pseudo_id AS client_id,
  TIMESTAMP_MICROS(event_timestamp) AS created
FROM leads
WHERE nth = 1
QUALIFY COUNT(*) OVER (PARTITION BY user_pseudo_id) < 100
=== items unnested by comma, with offset
SELECT CONCAT(ecommerce.transaction_id, '-', CAST(position AS STRING)) AS id, user_pseudo_id AS client_id,
  TIMESTAMP_MICROS(event_timestamp) AS created, item.price * item.quantity AS value
FROM `shop.analytics_123.events_*` AS event, UNNEST(event.items) AS item WITH OFFSET AS position
WHERE _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date)
=== items as a path of the row before
SELECT e.user_pseudo_id AS client_id, item.item_id AS id, TIMESTAMP_MICROS(e.event_timestamp) AS created
FROM `shop.analytics_123.events_*` AS e, e.items AS item
WHERE e._TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date)
=== left join of an array and cross join
SELECT o.id, o.client_id, o.created, line.sku
FROM shop.crm.orders AS o LEFT JOIN UNNEST(o.lines) AS line ON TRUE CROSS JOIN UNNEST(o.tags) AS tag
WHERE o.date BETWEEN @start_date AND @end_date AND tag IS NOT NULL
=== HubSpot deals with contacts
WITH contact AS (
  SELECT dc.deal_id, ANY_VALUE(c.property_ga_client_id) AS client_id, ANY_VALUE(LOWER(TRIM(c.property_email))) AS email
  FROM `shop.hubspot.deal_contact` AS dc
  JOIN `shop.hubspot.contact` AS c ON c.id = dc.contact_id
  WHERE NOT IFNULL(c._fivetran_deleted, FALSE)
  GROUP BY dc.deal_id
)
SELECT CAST(d.deal_id AS STRING) AS id, contact.client_id, d.property_closedate AS created,
  SAFE_CAST(d.property_amount AS FLOAT64) AS value, TO_HEX(SHA256(contact.email)) AS user_id
FROM `shop.hubspot.deal` AS d
LEFT JOIN contact USING (deal_id)
WHERE DATE(d.property_closedate, 'Europe/London') BETWEEN @start_date AND @end_date
=== epoch milliseconds as text
SELECT CAST(dealid AS STRING) AS id, client_id, TIMESTAMP_MILLIS(SAFE_CAST(properties.closedate AS INT64)) AS created
FROM shop.hubspot.deals WHERE TIMESTAMP_MILLIS(SAFE_CAST(properties.closedate AS INT64)) >= TIMESTAMP(@start_date)
=== union of two sources in brackets
(SELECT id, client_id, created FROM shop.crm.web_orders WHERE date BETWEEN @start_date AND @end_date)
UNION ALL
(SELECT id, client_id, created FROM shop.crm.phone_orders WHERE date BETWEEN @start_date AND @end_date)
=== set operations
SELECT id, client_id, created FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
EXCEPT DISTINCT
SELECT id, client_id, created FROM shop.crm.cancelled
INTERSECT DISTINCT
SELECT id, client_id, created FROM shop.crm.paid
=== star with except and replace
SELECT * EXCEPT (secret, note) REPLACE (UPPER(currency) AS currency) FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== qualified star inside a CTE
WITH o AS (SELECT o.*, o.total * 0.2 AS tax FROM shop.crm.orders AS o WHERE date BETWEEN @start_date AND @end_date)
SELECT id, client_id, created, tax AS value FROM o
=== correlated EXISTS and IN
SELECT id, client_id, created FROM shop.crm.orders AS o
WHERE EXISTS (SELECT 1 FROM shop.crm.payments AS p WHERE p.order_id = o.id AND p.state = 'paid')
  AND o.id NOT IN (SELECT order_id FROM shop.crm.refunds WHERE order_id IS NOT NULL)
  AND 'gift' NOT IN UNNEST(o.tags) AND date BETWEEN @start_date AND @end_date
=== arrays of structs made from a subquery
SELECT id, client_id, created,
  ARRAY(SELECT AS STRUCT p.name AS key, CAST(p.value AS STRING) AS value FROM UNNEST(o.properties) AS p WHERE p.value IS NOT NULL) AS params
FROM shop.crm.orders AS o WHERE date BETWEEN @start_date AND @end_date
=== aggregates with order, limit and nulls
SELECT client_id, ARRAY_AGG(id IGNORE NULLS ORDER BY created DESC LIMIT 1)[SAFE_OFFSET(0)] AS id, MIN(created) AS created,
  STRING_AGG(DISTINCT source, ', ' ORDER BY source LIMIT 5) AS source, ANY_VALUE(campaign HAVING MAX created) AS campaign,
  APPROX_QUANTILES(value, 100 IGNORE NULLS)[OFFSET(50)] AS value
FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date GROUP BY client_id HAVING COUNT(DISTINCT id) > 0
=== window functions of many kinds
SELECT id, client_id, created,
  LAG(created, 1) OVER w AS previous, FIRST_VALUE(source IGNORE NULLS) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS source,
  SUM(value) OVER (PARTITION BY client_id ORDER BY UNIX_SECONDS(created) RANGE BETWEEN 86400 PRECEDING AND CURRENT ROW) AS value,
  NTILE(4) OVER (ORDER BY value DESC) AS quartile, PERCENTILE_CONT(value, 0.5) OVER (PARTITION BY client_id) AS median
FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
WINDOW w AS (PARTITION BY client_id ORDER BY created)
=== case in both forms and IF
SELECT id, client_id, created,
  CASE status WHEN 'paid' THEN TRUE WHEN 'open' THEN NULL ELSE FALSE END AS is_qualified,
  CASE WHEN value > 100 THEN 'big' WHEN value BETWEEN 10 AND 100 THEN 'mid' ELSE 'small' END AS size,
  IF(currency IS NULL OR currency = '', 'EUR', currency) AS currency
FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== dates, time zones, parts and intervals
SELECT id, client_id, TIMESTAMP(DATETIME(local_date, local_time), 'Europe/London') AS created,
  EXTRACT(DAYOFWEEK FROM local_date) AS weekday, EXTRACT(HOUR FROM created_at AT TIME ZONE 'Europe/London') AS hour,
  DATE_DIFF(DATE(created_at), signup_date, DAY) AS age, DATE_TRUNC(local_date, WEEK(MONDAY)) AS week, EXTRACT(ISOWEEK FROM local_date) AS iso
FROM shop.crm.visits
WHERE local_date >= DATE_SUB(@start_date, INTERVAL 7 DAY) AND local_date < DATE_ADD(@end_date, INTERVAL 1 DAY)
  AND created_at >= TIMESTAMP_SUB(TIMESTAMP(@start_date), INTERVAL 90 MINUTE) AND local_date > DATE '2020-01-01' AND local_date != DATE'2021-02-28'
=== json
SELECT JSON_VALUE(payload, '$.order.id') AS id, JSON_VALUE(payload, '$.client_id') AS client_id, TIMESTAMP(JSON_VALUE(payload, '$.at')) AS created,
  CAST(JSON_EXTRACT_SCALAR(payload, "$['total']") AS FLOAT64) AS value, JSON_QUERY_ARRAY(payload, '$.items') AS items, FLOAT64(payload.total) AS total, payload.tags[0] AS tag
FROM shop.crm.webhooks WHERE DATE(received_at) BETWEEN @start_date AND @end_date
=== regular expressions and raw strings
SELECT id, REGEXP_EXTRACT(cookie, r'GA1\.\d\.(\d+\.\d+)') AS client_id, created, REGEXP_REPLACE(phone, r"[^\d+]", '') AS phone,
  REGEXP_CONTAINS(url, r'''(?i)utm_source='google'|"cpc"''') AS paid, 'it\'s' AS a, "say \"hi\"" AS b, """two
lines""" AS c, b'\x00\x7f' AS d, rb'\d' AS e, 'a\u00e9b' AS f
FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== unicode in strings, comments and backquotes
SELECT `Bestellung Nr` AS id, client_id, created -- größer als 0, naïve
FROM shop.crm.orders WHERE city IN ('München', '東京', '🚀') AND date BETWEEN @start_date AND @end_date # ende
=== columns named like keywords of other dialects
SELECT id, client_id, created, model, load, call, export, language, function, type, format, value, name, key, date, timestamp, time, day, month, hour, second, offset, start, `end`, returns, user, comment, percent, top, temp, row, first, last, replace, values, update, insert, delete, drop, grant
FROM shop.crm.orders AS t WHERE date BETWEEN @start_date AND @end_date AND t.end > 0 AND t.from != t.select
=== pivot
SELECT id, client_id, created, web, shop FROM (SELECT id, client_id, created, channel, value FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date)
PIVOT (SUM(value) AS total FOR channel IN ('web' AS web, 'shop' AS shop))
=== unpivot
SELECT id, client_id, created, step, reached FROM shop.crm.funnel UNPIVOT INCLUDE NULLS (reached FOR step IN (lead_at, deal_at AS 'deal')) WHERE date BETWEEN @start_date AND @end_date
=== grouping sets and rollup
SELECT client_id, country, COUNT(*) AS value FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date GROUP BY ROLLUP (client_id, country)
=== group by all
SELECT client_id, MIN(id) AS id, MIN(created) AS created FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date GROUP BY ALL
=== pipe syntax
FROM shop.crm.orders
|> WHERE date BETWEEN @start_date AND @end_date AND status = 'paid'
|> EXTEND total * 1.2 AS value
|> SELECT id, client_id, created, value
=== pipe syntax with aggregation
FROM `shop.crm.orders` |> WHERE date BETWEEN @start_date AND @end_date |> AGGREGATE SUM(total) AS value, MIN(created) AS created GROUP BY id, client_id
=== three joins and a derived table
SELECT o.id, c.client_id, o.created, s.source
FROM shop.crm.orders o
INNER JOIN shop.crm.customers c ON o.customer_id = c.id
LEFT OUTER JOIN (SELECT client_id, MAX(source) AS source FROM shop.crm.sessions WHERE date BETWEEN @start_date AND @end_date GROUP BY 1) s ON s.client_id = c.client_id
FULL JOIN shop.crm.stores AS st ON st.id = o.store_id AND st.open IS TRUE
WHERE o.date BETWEEN @start_date AND @end_date
=== brackets around joins
SELECT a.id, a.client_id, a.created FROM (shop.crm.orders AS a JOIN shop.crm.customers AS b ON a.customer_id = b.id) LEFT JOIN shop.crm.stores USING (store_id) WHERE a.date BETWEEN @start_date AND @end_date
=== comma join with a condition
SELECT o.id, c.client_id, o.created FROM shop.crm.orders o, shop.crm.customers c WHERE o.customer_id = c.id AND o.date BETWEEN @start_date AND @end_date
=== typed constructors
SELECT id, client_id, created, ARRAY<STRUCT<key STRING, value STRING>>[('country', country), ('city', city)] AS params, STRUCT<a INT64, b ARRAY<FLOAT64>>(1, [1.5]) AS s, CAST(NULL AS ARRAY<STRING>) AS n, CAST(x AS NUMERIC(10, 2)) AS q, ARRAY<INT64>[] AS e
FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== numbers of every form
SELECT id, client_id, created, 1 AS a, .5 AS b, 5. AS c, 1e3 AS d, 1.5E-3 AS e, 0xFF AS f, -1 AS g, +2 AS h, ~3 AS i, NUMERIC '1.5' AS j, 7 - -1 AS k
FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date AND value >= 1 AND value<=2 AND value<>3 AND value!=4 AND a|b&c^d = 1<<2>>1 AND share BETWEEN .5 AND .9
=== nested CTEs that shadow
WITH o AS (SELECT * FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date), p AS (WITH o AS (SELECT id FROM o) SELECT id FROM o)
SELECT o.id, o.client_id, o.created FROM o JOIN p USING (id)
=== a CTE called like a table's alias
WITH orders AS (SELECT id, client_id, created, items FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date)
SELECT orders.id, client_id, created FROM orders, orders.items AS item
=== safe prefix and network functions
SELECT id, client_id, SAFE.PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%S', created_text, 'Europe/Berlin') AS created, NET.REG_DOMAIN(url) AS source, NET.HOST(url) AS host
FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== like any, is distinct from, between dates
SELECT id, client_id, created FROM shop.crm.orders WHERE campaign LIKE ANY ('%brand%', '%generic%') AND source IS DISTINCT FROM medium AND paid IS NOT NULL AND NOT test AND date BETWEEN @start_date AND @end_date
=== dashed project without backquotes
SELECT id, client_id, created FROM my-shop-1.crm.orders AS o JOIN my-shop-1.crm.customers AS c USING (customer_id) WHERE o.date BETWEEN @start_date AND @end_date AND EXTRACT(DAY FROM o.a-o.b) > 0
=== partial backquotes
SELECT id, client_id, created FROM `my-shop-1`.crm.`orders` WHERE date BETWEEN @start_date AND @end_date
=== two-part name of the own project
SELECT id, client_id, created FROM crm.orders WHERE date BETWEEN @start_date AND @end_date
=== trailing commas and odd layout
select	id ,client_id
,created
,
from shop.crm.orders where date between @START_DATE and @end_date
=== no table at all
SELECT 'x' AS id, '1.2' AS client_id, TIMESTAMP '2026-01-01 00:00:00+00' AS created
=== calendar
SELECT FORMAT_DATE('%F', day) AS id, '1.1' AS client_id, TIMESTAMP(day) AS created FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date, INTERVAL 1 DAY)) AS day
=== scalar subqueries
SELECT id, client_id, created, (SELECT MAX(rate) FROM shop.crm.rates AS r WHERE r.currency = o.currency) * value AS value
FROM shop.crm.orders AS o WHERE date BETWEEN @start_date AND @end_date
=== one-row side of a cross join
SELECT o.id, o.client_id, o.created FROM shop.crm.orders AS o CROSS JOIN (SELECT MAX(date) AS last FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date) AS m WHERE o.date = m.last
=== union by name
SELECT id, client_id, created FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date UNION ALL BY NAME SELECT created, id, client_id FROM shop.crm.phone_orders WHERE date BETWEEN @start_date AND @end_date
=== order and limit
SELECT id, client_id, created FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date ORDER BY created DESC NULLS LAST, 2 ASC LIMIT 100 OFFSET 10
=== geography and hashes
SELECT TO_HEX(MD5(CONCAT(a, b))) AS id, client_id, created, ST_DISTANCE(ST_GEOGPOINT(lon, lat), ST_GEOGPOINT(0, 51)) AS distance, MOD(ABS(FARM_FINGERPRINT(id)), 10) AS bucket FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== padding and splitting
SELECT LPAD(CAST(n AS STRING), 10, '0') AS id, SPLIT(cookie, '.')[SAFE_ORDINAL(3)] AS client_id, created, (SELECT STRING_AGG(part, '-' ORDER BY nth) FROM UNNEST(SPLIT(path, '/')) AS part WITH OFFSET AS nth) AS path FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== tuples
SELECT id, client_id, created FROM shop.crm.orders WHERE (country, city) IN (('GB', 'London'), ('DE', 'Berlin')) AND STRUCT(1, 2) = (1, 2) AND date BETWEEN @start_date AND @end_date
=== comparisons beside functions named like types
SELECT id, client_id, created FROM shop.crm.orders WHERE created < TIMESTAMP(@end_date) AND date < DATE(created) AND STRING(created) > 'a' AND a <TIMESTAMP(x) AND CAST(STRUCT(1) AS STRUCT<n NUMERIC(10, 2)>) IS NOT NULL AND date BETWEEN @start_date AND @end_date
=== emoji in comments and strings
SELECT id, client_id, created, '👨‍👩‍👧 ⚠️' AS note -- ⚠️ careful
FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== positions of an array
SELECT id, client_id, created, parts[OFFSET(nth)] AS part FROM shop.crm.orders, UNNEST(GENERATE_ARRAY(0, ARRAY_LENGTH(parts) - 1)) AS nth WHERE date BETWEEN @start_date AND @end_date
=== neighbouring strings
SELECT id, client_id, created, 'a' 'b' AS note FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== a trailing comma in a subquery without FROM
SELECT id, client_id, created, (SELECT AS STRUCT o.a, o.b,) AS fields FROM shop.crm.orders AS o WHERE date BETWEEN @start_date AND @end_date
