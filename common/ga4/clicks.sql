WITH
sight AS (
  -- of one kind an event shows one id: that of the most trusted place
  SELECT
    scanned.date,
    scanned.property,
    scanned.shard,
    scanned.client_id,
    scanned.occurred_at,
    LOWER(SPLIT(pair, '=')[OFFSET(0)]) AS kind,
    SUBSTR(pair, STRPOS(pair, '=') + 1) AS value,
    place
  FROM {{ scanned }} AS scanned
  CROSS JOIN UNNEST(scanned.click_pairs) AS pair WITH OFFSET AS place
  WHERE scanned.client_id IS NOT NULL AND scanned.date BETWEEN @start_date AND @end_date
),
decoded AS (
  -- ids as they were sent
  SELECT sight.* REPLACE ({{ decoded }} AS value) FROM sight
),
valid AS (
  -- one id a kind, texts that are none left out
  SELECT named.*
  FROM (
    SELECT decoded.* REPLACE ({{ value }} AS value) FROM decoded
  ) AS named
  WHERE named.value IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY named.property, named.client_id, named.occurred_at, named.kind ORDER BY named.place, named.value DESC
  ) = 1
),
daily AS (
  -- the first sight of each id on each day in each daily table, as one of them may go
  SELECT
    valid.date, valid.property, valid.shard, valid.client_id, valid.kind, valid.value, MIN(valid.occurred_at) AS seen_at,
    {{ id_hash }} AS id_hash
  FROM valid
  GROUP BY valid.date, valid.property, valid.shard, valid.client_id, valid.kind, valid.value
),
earlier AS (
  -- when ids that were seen before were seen first
  SELECT known.id_hash, MIN(known.clicked_at) AS clicked_at
  FROM {{ known }} AS known
  WHERE known.date BETWEEN DATE_SUB(@start_date, INTERVAL 400 DAY) AND DATE_SUB(@start_date, INTERVAL 1 DAY)
  GROUP BY known.id_hash
)
SELECT
  daily.date,
  TO_HEX(SHA256(TO_JSON_STRING(STRUCT(
    daily.property AS property, daily.client_id AS client_id, daily.kind AS kind, daily.value AS value,
    {{ day }} AS day
  )))) AS click_key,
  daily.property,
  daily.client_id,
  daily.kind,
  daily.value,
  daily.seen_at,
  LEAST(
    COALESCE(earlier.clicked_at, daily.seen_at),
    MIN(daily.seen_at) OVER (PARTITION BY daily.id_hash)
  ) AS clicked_at,
  daily.id_hash,
  daily.shard
FROM daily
LEFT JOIN earlier ON earlier.id_hash = daily.id_hash
