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
=== GA4 leads with every type of a parameter
SELECT CONCAT(user_pseudo_id, '-', CAST(event_timestamp AS STRING)) AS id, user_pseudo_id AS client_id, TIMESTAMP_MICROS(event_timestamp) AS created,
  (SELECT COALESCE(ep.value.double_value, ep.value.float_value, CAST(ep.value.int_value AS FLOAT64), SAFE_CAST(ep.value.string_value AS FLOAT64)) FROM UNNEST(event_params) AS ep WHERE ep.key = 'value' LIMIT 1) AS value,
  (SELECT up.value.string_value FROM UNNEST(user_properties) up WHERE up.key = 'crm_id') AS user_id
FROM `shop.analytics_123.events_*`
WHERE _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date) AND event_name IN ('generate_lead', 'form_submit')
=== GA4 daily and intraday shards
SELECT ecommerce.transaction_id AS id, user_pseudo_id AS client_id, TIMESTAMP_MICROS(event_timestamp) AS created
FROM `shop.analytics_123.events_*`
WHERE REGEXP_EXTRACT(_TABLE_SUFFIX, r'[0-9]+') BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date) AND ecommerce.transaction_id IS NOT NULL
=== GA4 suffix by REPLACE of a cast date
SELECT ecommerce.transaction_id id, user_pseudo_id client_id, TIMESTAMP_MICROS(event_timestamp) created
FROM `shop.analytics_123.events_*` WHERE _table_suffix >= REPLACE(CAST(@start_date AS STRING), '-', '') AND _table_suffix <= REPLACE(CAST(@end_date AS STRING), '-', '')
=== GA4 first purchase only
WITH p AS (
  SELECT user_pseudo_id, ecommerce.transaction_id, event_timestamp, ecommerce.purchase_revenue AS revenue,
    ROW_NUMBER() OVER (PARTITION BY ecommerce.transaction_id ORDER BY event_timestamp) AS rn
  FROM `shop.analytics_123.events_*`
  WHERE event_name = 'purchase' AND _TABLE_SUFFIX BETWEEN FORMAT_DATE("%Y%m%d", @start_date) AND FORMAT_DATE("%Y%m%d", @end_date)
)
SELECT transaction_id AS id, user_pseudo_id AS client_id, TIMESTAMP_MICROS(event_timestamp) AS created, revenue AS value
FROM p
WHERE rn = 1 AND transaction_id NOT IN ('(not set)', '')
=== GA4 landing page and source by session
WITH s AS (
  SELECT CONCAT(user_pseudo_id, (SELECT value.int_value FROM UNNEST(event_params) WHERE key = 'ga_session_id')) AS session_key,
    user_pseudo_id, MIN(event_timestamp) AS started,
    ARRAY_AGG((SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'page_location') IGNORE NULLS ORDER BY event_timestamp LIMIT 1)[SAFE_OFFSET(0)] AS landing_page,
    MAX(IF(event_name = 'sign_up', 1, 0)) AS signed_up
  FROM `shop.analytics_123.events_*`
  WHERE _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date)
  GROUP BY 1, 2
)
SELECT session_key AS id, user_pseudo_id AS client_id, TIMESTAMP_MICROS(started) AS created, [STRUCT('landing_page' AS key, SPLIT(landing_page, '?')[OFFSET(0)] AS value)] AS params
FROM s WHERE signed_up = 1
=== GA4 traffic source of the session
SELECT e.ecommerce.transaction_id AS id, e.user_pseudo_id AS client_id, TIMESTAMP_MICROS(e.event_timestamp) AS created,
  [STRUCT('source' AS key, IFNULL(e.session_traffic_source_last_click.cross_channel_campaign.source, e.traffic_source.source) AS value),
   STRUCT('gclid' AS key, e.collected_traffic_source.gclid AS value)] AS params
FROM `shop.analytics_123.events_*` AS e
WHERE e._TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date) AND e.event_name = 'purchase'
=== GA4 funnel by self join
WITH carts AS (SELECT user_pseudo_id, MIN(event_timestamp) AS t FROM `shop.analytics_123.events_*` WHERE _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date) AND event_name = 'add_to_cart' GROUP BY user_pseudo_id),
buys AS (SELECT user_pseudo_id, MIN(event_timestamp) AS t FROM `shop.analytics_123.events_*` WHERE _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date) AND event_name = 'purchase' GROUP BY user_pseudo_id)
SELECT c.user_pseudo_id || '-cart' AS id, c.user_pseudo_id AS client_id, TIMESTAMP_MICROS(c.t) AS created, b.t IS NOT NULL AS is_qualified
FROM carts AS c LEFT JOIN buys AS b ON b.user_pseudo_id = c.user_pseudo_id AND b.t BETWEEN c.t AND c.t + 7 * 24 * 3600 * 1000000
=== GA4 items above a price
SELECT CONCAT(e.ecommerce.transaction_id, '/', i.item_id) AS id, e.user_pseudo_id AS client_id, TIMESTAMP_MICROS(e.event_timestamp) AS created, SUM(i.price * i.quantity) AS value
FROM `shop.analytics_123.events_*` e CROSS JOIN UNNEST(e.items) i
WHERE e._TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date) AND i.item_category LIKE 'Shoes%'
GROUP BY 1, 2, 3 HAVING SUM(i.price * i.quantity) > 50
=== GA4 engaged sessions
SELECT CONCAT(user_pseudo_id, CAST((SELECT value.int_value FROM UNNEST(event_params) WHERE key = 'ga_session_id') AS STRING)) AS id, user_pseudo_id AS client_id, MIN(TIMESTAMP_MICROS(event_timestamp)) AS created
FROM `shop.analytics_123.events_*`
WHERE _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date)
GROUP BY id, client_id
HAVING SUM((SELECT value.int_value FROM UNNEST(event_params) WHERE key = 'engagement_time_msec')) / 1000 > 60
=== GA4 sharded dates by DATE arithmetic
SELECT ecommerce.transaction_id AS id, user_pseudo_id AS client_id, TIMESTAMP_MICROS(event_timestamp) AS created FROM `shop.analytics_123.events_202*`
WHERE _TABLE_SUFFIX BETWEEN SUBSTR(FORMAT_DATE('%Y%m%d', DATE_SUB(@start_date, INTERVAL 1 DAY)), 4) AND SUBSTR(FORMAT_DATE('%Y%m%d', DATE_ADD(@end_date, INTERVAL 1 DAY)), 4)
  AND DATE(TIMESTAMP_MICROS(event_timestamp), 'America/New_York') BETWEEN @start_date AND @end_date
=== GA4 phone calls by LOGICAL_OR
SELECT user_pseudo_id AS id, user_pseudo_id AS client_id, MAX(TIMESTAMP_MICROS(event_timestamp)) AS created, LOGICAL_OR(event_name = 'phone_call') AS is_qualified
FROM `shop.analytics_123.events_*` WHERE _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date) GROUP BY user_pseudo_id
=== Universal Analytics sessions
SELECT CONCAT(fullVisitorId, '.', CAST(visitId AS STRING)) AS id, clientId AS client_id, TIMESTAMP_SECONDS(visitStartTime) AS created, hits.transaction.transactionRevenue / 1e6 AS value
FROM `shop.analytics_123.ga_sessions_*`, UNNEST(hits) AS hits WHERE _TABLE_SUFFIX BETWEEN FORMAT_DATE('%Y%m%d', @start_date) AND FORMAT_DATE('%Y%m%d', @end_date) AND hits.transaction.transactionId IS NOT NULL
=== Salesforce opportunities won
SELECT o.id AS id, l.ga_client_id__c AS client_id, TIMESTAMP(o.close_date, 'Europe/London') AS created, o.amount AS value, UPPER(o.currency_iso_code) AS currency, o.is_won AS is_qualified, o.account_id AS user_id
FROM `shop.crm.opportunity` AS o
LEFT JOIN (SELECT converted_opportunity_id, ANY_VALUE(ga_client_id__c) AS ga_client_id__c FROM `shop.crm.lead` WHERE is_converted AND NOT is_deleted GROUP BY 1) AS l ON l.converted_opportunity_id = o.id
WHERE o.is_closed AND NOT o.is_deleted AND o.close_date BETWEEN @start_date AND @end_date
=== Salesforce lead status by CASE
SELECT Id AS id, NULLIF(TRIM(ClientId__c), '') AS client_id, CreatedDate AS created, CASE WHEN Status IN ('Qualified', 'Closed - Converted') THEN TRUE WHEN Status LIKE 'Unqualified%' THEN FALSE END AS is_qualified
FROM shop.crm.Lead WHERE DATE(CreatedDate) BETWEEN @start_date AND @end_date AND Email NOT LIKE '%@example.com' AND IsDeleted IS NOT TRUE
=== Salesforce history, the first time a stage was reached
SELECT opportunity_id AS id, ANY_VALUE(client_id) AS client_id, MIN(created_date) AS created FROM shop.crm.opportunity_history
WHERE stage_name = 'Negotiation' AND created_date >= TIMESTAMP(@start_date) AND created_date < TIMESTAMP(DATE_ADD(@end_date, INTERVAL 1 DAY)) GROUP BY opportunity_id
=== HubSpot Stitch columns with struct values
SELECT CAST(dealid AS STRING) AS id, property_ga_client_id.value AS client_id, TIMESTAMP_MILLIS(CAST(property_closedate.value AS INT64)) AS created, SAFE_CAST(property_amount.value AS FLOAT64) AS value, property_deal_currency_code.value AS currency
FROM `shop.hubspot.deals` WHERE property_dealstage.value IN ('closedwon', '12345678') AND DATE(TIMESTAMP_MILLIS(CAST(property_closedate.value AS INT64))) BETWEEN @start_date AND @end_date
=== HubSpot Airbyte JSON properties
SELECT JSON_VALUE(properties, '$.hs_object_id') AS id, JSON_VALUE(properties, '$.ga_client_id') AS client_id, PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%E*SZ', JSON_VALUE(properties, '$.closedate')) AS created, CAST(JSON_VALUE(properties, '$.amount') AS NUMERIC) AS value
FROM shop.hubspot.deals_raw WHERE DATE(createdAt) BETWEEN @start_date AND @end_date AND NOT archived
=== HubSpot newest version of each deal
SELECT * EXCEPT (rn) FROM (
  SELECT CAST(deal_id AS STRING) AS id, property_client_id AS client_id, property_closedate AS created, ROW_NUMBER() OVER (PARTITION BY deal_id ORDER BY _fivetran_synced DESC) AS rn
  FROM `shop.hubspot.deal` WHERE DATE(property_closedate) BETWEEN @start_date AND @end_date)
WHERE rn = 1
=== HubSpot lifecycle stage through its history
SELECT CONCAT('mql-', CAST(h.contact_id AS STRING)) AS id, c.property_ga_cid AS client_id, MIN(h.timestamp) AS created
FROM shop.hubspot.contact_property_history AS h JOIN shop.hubspot.contact AS c ON c.id = h.contact_id
WHERE h.name = 'lifecyclestage' AND h.value = 'marketingqualifiedlead' AND DATE(h.timestamp, 'Europe/Berlin') BETWEEN @start_date AND @end_date
GROUP BY 1, 2
=== HubSpot merged contacts folded
WITH merged AS (SELECT CAST(id AS STRING) AS new_id, old_id FROM shop.hubspot.contact, UNNEST(SPLIT(property_hs_merged_object_ids, ';')) AS old_id)
SELECT COALESCE(m.new_id, CAST(f.contact_id AS STRING)) || '-' || f.conversion_id AS id, c.property_client_id AS client_id, f.timestamp AS created
FROM shop.hubspot.contact_form_submission f LEFT JOIN merged m ON m.old_id = CAST(f.contact_id AS STRING) LEFT JOIN shop.hubspot.contact c ON CAST(c.id AS STRING) = COALESCE(m.new_id, CAST(f.contact_id AS STRING))
WHERE DATE(f.timestamp) BETWEEN @start_date AND @end_date
=== Pipedrive won deals
SELECT CAST(id AS STRING) AS id, custom_fields.ga_client_id AS client_id, TIMESTAMP(won_time) AS created, value, currency, TRUE AS is_qualified, CAST(person_id AS STRING) AS user_id
FROM `shop.crm.pipedrive_deals` WHERE status = 'won' AND won_time >= CAST(@start_date AS STRING) AND won_time < CAST(DATE_ADD(@end_date, INTERVAL 1 DAY) AS STRING)
=== Dynamics stringmap labels
SELECT o.opportunityid AS id, o.new_clientid AS client_id, o.actualclosedate AS created, CAST(o.actualvalue AS FLOAT64) AS value, s.value = 'Won' AS is_qualified
FROM shop.crm.opportunity o INNER JOIN shop.crm.stringmap s ON s.objecttypecode = 'opportunity' AND s.attributename = 'statecode' AND s.attributevalue = o.statecode
WHERE o.actualclosedate BETWEEN TIMESTAMP(@start_date) AND TIMESTAMP_ADD(TIMESTAMP(@end_date), INTERVAL 1 DAY)
=== Shopify orders with refunds taken off
WITH refunds AS (SELECT order_id, SUM(CAST(JSON_VALUE(t, '$.amount') AS NUMERIC)) AS refunded FROM shop.crm.order_refund, UNNEST(JSON_QUERY_ARRAY(transactions)) AS t GROUP BY order_id)
SELECT CAST(o.id AS STRING) AS id, REGEXP_EXTRACT(o.note_attributes, r'"_ga"\s*:\s*"GA\d\.\d\.([^"]+)"') AS client_id, o.processed_at AS created,
  CAST(o.total_price - COALESCE(r.refunded, 0) AS FLOAT64) AS value, o.currency, CAST(o.customer_id AS STRING) AS user_id
FROM shop.crm.shopify_order AS o LEFT JOIN refunds AS r ON r.order_id = o.id
WHERE DATE(o.processed_at, 'Europe/Paris') BETWEEN @start_date AND @end_date AND o.cancelled_at IS NULL AND NOT o.test
=== call centre in another time zone
SELECT call_id AS id, client_id, TIMESTAMP(PARSE_DATETIME('%d/%m/%Y %H:%M', called_at), 'Australia/Sydney') AS created, duration_s >= 60 AS is_qualified
FROM shop.crm.calls WHERE PARSE_DATE('%d/%m/%Y', SUBSTR(called_at, 1, 10)) BETWEEN @start_date AND @end_date
=== subscriptions, one row a month
SELECT FORMAT('%s-%t', s.id, month) AS id, s.client_id, TIMESTAMP(month) AS created, s.monthly_fee AS value
FROM shop.crm.subscriptions AS s, UNNEST(GENERATE_DATE_ARRAY(DATE_TRUNC(s.started_on, MONTH), IFNULL(s.ended_on, @end_date), INTERVAL 1 MONTH)) AS month
WHERE month BETWEEN @start_date AND @end_date
=== loyalty tiers by NTILE and RANGE_BUCKET
SELECT id, client_id, created, value, CAST(RANGE_BUCKET(value, [0, 50, 100, 500]) AS STRING) AS tier FROM (SELECT id, client_id, created, value, NTILE(10) OVER (ORDER BY value) AS decile FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date) WHERE decile > 1
=== running total until a threshold
SELECT id, client_id, created, value FROM (
  SELECT *, SUM(value) OVER (PARTITION BY client_id ORDER BY created ROWS UNBOUNDED PRECEDING) AS total, LAST_VALUE(status) OVER (PARTITION BY client_id ORDER BY created ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last_status
  FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date)
WHERE total >= 1000 AND total - value < 1000
=== gap of thirty days begins a new journey
SELECT id, client_id, created FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
QUALIFY IFNULL(TIMESTAMP_DIFF(created, LAG(created) OVER (PARTITION BY client_id ORDER BY created), DAY), 999) >= 30
=== exchange rates by the last known day
SELECT o.id, o.client_id, o.created, o.total * r.rate AS value, 'EUR' AS currency FROM shop.crm.orders AS o
LEFT JOIN shop.crm.rates AS r ON r.currency = o.currency AND r.date = (SELECT MAX(x.date) FROM shop.crm.rates AS x WHERE x.currency = o.currency AND x.date <= o.date)
WHERE o.date BETWEEN @start_date AND @end_date
=== ingestion-time partitions
SELECT id, client_id, created FROM shop.crm.loads WHERE _PARTITIONTIME >= TIMESTAMP(@start_date) AND _PARTITIONTIME < TIMESTAMP_ADD(TIMESTAMP(@end_date), INTERVAL 3 DAY) AND DATE(created) BETWEEN @start_date AND @end_date
=== params from a struct of fields
SELECT o.id, o.client_id, o.created, ARRAY(SELECT STRUCT(k AS key, v AS value) FROM UNNEST([STRUCT('city' AS k, o.city AS v), ('country', o.country), ('region', o.region)]) WHERE v IS NOT NULL) AS params
FROM shop.crm.orders o WHERE o.date BETWEEN @start_date AND @end_date
=== params aggregated from rows
SELECT o.id, ANY_VALUE(o.client_id) AS client_id, MIN(o.created) AS created, ARRAY_AGG(STRUCT(a.name AS key, CAST(a.value AS STRING) AS value) ORDER BY a.name) AS params
FROM shop.crm.orders o JOIN shop.crm.attributes a USING (id) WHERE o.date BETWEEN @start_date AND @end_date GROUP BY o.id
=== hashed e-mail as the person
SELECT id, client_id, created, TO_HEX(SHA256(LOWER(TRIM(REGEXP_REPLACE(email, r'\+[^@]*@', '@'))))) AS user_id FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== offline store visits near a shop
SELECT v.id, v.client_id, v.created FROM shop.crm.visits AS v JOIN shop.crm.stores AS s ON ST_DWITHIN(ST_GEOGPOINT(v.lon, v.lat), s.place, 100) WHERE v.date BETWEEN @start_date AND @end_date
=== COUNTIF, SAFE_DIVIDE and IS TRUE
SELECT client_id AS id, client_id, MAX(created) AS created, SAFE_DIVIDE(SUM(value), COUNTIF(value > 0)) AS value FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date AND (is_test IS FALSE OR is_test IS NULL) GROUP BY client_id
=== date parts as text through CAST FORMAT
SELECT CONCAT(client_id, CAST(created AS STRING FORMAT 'YYYYMMDD' AT TIME ZONE 'Europe/London')) AS id, client_id, created, CAST('31.12.2026' AS DATE FORMAT 'DD.MM.YYYY') AS until FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== a time zone by column
SELECT id, client_id, created, EXTRACT(HOUR FROM created AT TIME ZONE (CONCAT('Europe/', city))) AS hour FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== pipe syntax that renames, drops and sets
FROM shop.crm.orders
|> WHERE date BETWEEN @start_date AND @end_date
|> SET currency = UPPER(currency)
|> RENAME order_id AS id, created_at AS created
|> DROP email, phone
|> WINDOW ROW_NUMBER() OVER (PARTITION BY client_id ORDER BY created) AS nth
|> WHERE nth = 1
|> SELECT id, client_id, created, currency
=== pipe joins and distinct
FROM shop.crm.orders AS o |> WHERE o.date BETWEEN @start_date AND @end_date |> LEFT JOIN shop.crm.customers AS c ON c.id = o.customer_id |> SELECT o.id, c.client_id, o.created |> DISTINCT
=== CURRENT_DATE as a name
SELECT id, client_id, created, order_day AS current_date FROM shop.crm.orders current_time WHERE date BETWEEN @start_date AND @end_date
=== HAVING without GROUP BY of a scalar subquery, NULLS FIRST and OFFSET
SELECT id, client_id, created FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date AND (SELECT COUNT(*) FROM UNNEST(items) HAVING COUNT(*) > 1) > 1
=== IN with a subquery of structs and NOT EXISTS
SELECT id, client_id, created FROM shop.crm.orders AS o WHERE (o.client_id, o.date) IN (SELECT (client_id, MIN(date)) FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date GROUP BY client_id) AND NOT EXISTS (SELECT 1 FROM UNNEST(o.tags) t WHERE t = 'test') AND o.date BETWEEN @start_date AND @end_date
=== string functions of a cleaning step
SELECT TRIM(BOTH_SIDES) AS id, client_id, created FROM (SELECT REPLACE(LTRIM(order_no, '0'), ' ', '') AS BOTH_SIDES, INITCAP(city) AS city, NORMALIZE(name, NFKC) AS name, client_id, created FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date)
=== unnest of a literal list of structs
SELECT CONCAT(o.id, '-', step.name) AS id, o.client_id, TIMESTAMP_ADD(o.created, INTERVAL step.days DAY) AS created FROM shop.crm.orders AS o CROSS JOIN UNNEST([STRUCT('lead' AS name, 0 AS days), STRUCT('sale', 14)]) AS step WHERE o.date BETWEEN @start_date AND @end_date
=== GROUP BY expression with ROLLUP in a CTE and QUALIFY RANK
WITH d AS (SELECT client_id, DATE(created) AS day, SUM(value) AS value FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date GROUP BY client_id, DATE(created) QUALIFY RANK() OVER (PARTITION BY client_id ORDER BY SUM(value) DESC) = 1)
SELECT CONCAT(client_id, '@', FORMAT_DATE('%F', day)) AS id, client_id, TIMESTAMP(day, 'UTC') AS created, value FROM d
=== a comment block at the head, tabs and Windows line ends
/* Owner: growth team
   Ticket: MKT-1042; do not edit */
-- v3
	SELECT	o.id , o.client_id , o.created	-- key
	FROM	`shop`.`crm`.`orders`	AS	o	# main
	WHERE	o.date	BETWEEN	@start_date	AND	@end_date	;
=== IFNULL over CASE in an aggregate with FILTER-like IF
SELECT client_id AS id, client_id, MIN(IF(type = 'order', created, NULL)) AS created, SUM(CASE type WHEN 'order' THEN value WHEN 'refund' THEN -value ELSE 0 END) AS value FROM shop.crm.ledger WHERE date BETWEEN @start_date AND @end_date GROUP BY client_id HAVING created IS NOT NULL
=== LEFT JOIN of the newest consent per person
SELECT o.id, o.client_id, o.created, c.ad_user_data FROM shop.crm.orders o LEFT JOIN (SELECT customer_id, ARRAY_AGG(STRUCT(ad_user_data) ORDER BY given_at DESC LIMIT 1)[OFFSET(0)].ad_user_data AS ad_user_data FROM shop.crm.consents GROUP BY customer_id) c USING (customer_id) WHERE o.date BETWEEN @start_date AND @end_date
=== percentiles and statistics
SELECT client_id AS id, client_id, MAX(created) AS created, APPROX_QUANTILES(value, 4)[OFFSET(2)] AS value, STDDEV(value) AS spread, CORR(value, items) AS c, APPROX_COUNT_DISTINCT(sku) AS skus, MAX_BY(source, created) AS source FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date GROUP BY client_id
=== intervals of more parts and date differences
SELECT id, client_id, created, DATE_DIFF(@end_date, DATE(created), ISOWEEK) AS weeks, created + INTERVAL 1 HOUR AS later, EXTRACT(DAY FROM (closed - created)) AS days, LAST_DAY(DATE(created), MONTH) AS month_end FROM shop.crm.orders WHERE date >= @start_date - 7 AND date <= @end_date
=== deals by pipeline with a negative list of texts
SELECT id, client_id, created FROM shop.crm.deals WHERE NOT REGEXP_CONTAINS(LOWER(title), r'\b(test|dummy|спам)\b') AND title NOT LIKE '%100\\%%' AND created BETWEEN TIMESTAMP(@start_date, 'UTC') AND TIMESTAMP(DATETIME(@end_date, TIME '23:59:59'), 'UTC')
=== Jinja look-alikes inside strings
SELECT id, client_id, created, REPLACE(template, '{{ name }}', name) AS text, '${x}' AS y, "it's 100%; @home?" AS z FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== parts of a time that are types as well
SELECT CAST(EXTRACT(DATE FROM created) AS STRING) AS id, client_id, created, EXTRACT(TIME FROM created) AS t, EXTRACT(DATETIME FROM created AT TIME ZONE 'Europe/London') AS d FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== an array of a row with its offsets, without UNNEST
SELECT CONCAT(o.id, '-', CAST(nth AS STRING)) AS id, o.client_id, o.created FROM shop.crm.orders AS o, o.items AS item WITH OFFSET AS nth WHERE o.date BETWEEN @start_date AND @end_date
=== a document and intervals of two parts as literals
SELECT id, client_id, created, JSON '{"a": 1}' AS doc, created + INTERVAL '1-2 3' YEAR TO DAY AS later, INTERVAL '1:2:3' HOUR TO SECOND AS span FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== ranges and quantile sketches
SELECT id, client_id, created, RANGE_CONTAINS(RANGE(first_day, last_day), date) AS inside, RANGE_START(RANGE<DATE> '[2020-01-01, 2021-01-01)') AS first_of FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date
=== a step with letters outside ASCII
WITH `Aufträge` AS (SELECT id, client_id, created FROM shop.crm.orders WHERE date BETWEEN @start_date AND @end_date) SELECT id, client_id, created FROM `Aufträge`
=== a step of the name that a pipe gives to its rows
WITH t AS (SELECT id FROM crm.p) FROM crm.o |> AS t |> JOIN t AS other ON other.id = t.id |> SELECT t.id
=== a pivot behind the alias of a pipe
FROM crm.o |> SELECT id, kind |> AS s |> PIVOT (COUNT(*) FOR kind IN ('a', 'b')) |> SELECT id
=== no gap behind a backquote
SELECT`id`FROM`shop.crm.orders`WHERE`date`BETWEEN @start_date AND @end_date
=== a query in brackets behind BY NAME
SELECT id FROM crm.o UNION ALL BY NAME (SELECT id FROM crm.p)
=== a query in brackets behind BY NAME of a pipe
FROM crm.o |> SELECT id |> UNION ALL BY NAME (SELECT id FROM crm.p)
=== a query in brackets behind CORRESPONDING
SELECT id FROM crm.o UNION ALL STRICT CORRESPONDING (SELECT id FROM crm.p)
=== a struct as the value
SELECT id FROM (SELECT AS VALUE (STRUCT(id)) FROM crm.o)
=== columns whose names are words of other dialects or of the grammar
SELECT top, o.top, o.tablesample, o.select AS selected, o.with AS joined FROM crm.o AS o
=== a pipe behind a SELECT, its columns kept
SELECT id, created FROM crm.o WHERE x = 1 |> EXTEND 1 AS client_id |> WHERE id > 1
=== a pipe behind a union and an order
WITH a AS (SELECT id FROM crm.o |> EXTEND 1 AS x) (SELECT id FROM a) UNION ALL (SELECT id FROM crm.p) ORDER BY id LIMIT 2 |> EXTEND 1 AS y
=== a pipe behind a SELECT inside an expression
SELECT ARRAY(SELECT id FROM crm.p |> EXTEND 1 AS x |> SELECT x) AS id FROM crm.o
=== elements of columns that are called list and array
SELECT list[0] AS id, list.x, o.array[OFFSET(0)] AS first, o.as FROM crm.o AS o
=== a union with a side that begins with brackets
SELECT id FROM ((SELECT id FROM crm.o) FULL UNION ALL BY NAME (SELECT id FROM crm.p)) AS x
=== a union with a side in IN
SELECT id FROM crm.o WHERE id IN ((SELECT id FROM crm.p) INNER UNION ALL BY NAME (SELECT id FROM crm.q))
=== a join with a side that begins with brackets
SELECT id FROM ((SELECT id FROM crm.o) FULL JOIN crm.p USING (id))
=== columns, rows and aliases that are called ilike
SELECT ilike, o.id ilike, ilike.id AS x FROM crm.o AS o JOIN crm.p ilike ON o.ilike = ilike.id WHERE ilike = 'x' AND NOT ilike.is_test
=== steps that are called offset
WITH offset AS (SELECT id, items FROM crm.o) SELECT id, nth FROM (WITH offset AS (SELECT id, items FROM crm.o) SELECT id, items FROM offset), UNNEST(items) AS item WITH OFFSET AS nth
=== types with a size inside arrays and structs
SELECT ARRAY<NUMERIC(10, 2)>[1] AS amounts, STRUCT<STRING(10)>('a') AS s, STRUCT<a BYTES(3), b ARRAY<STRING(5)>>(b'a', ['b']) AS t, CAST('1' AS NUMERIC(10, 2)) AS id FROM crm.o
