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
shown AS (
  -- the sights of the window, and those that follow from them
  SELECT
    daily.date, daily.property, daily.shard, daily.client_id, daily.kind, daily.value, daily.seen_at, daily.id_hash,
    TO_HEX(SHA256(TO_JSON_STRING(STRUCT(
      daily.property AS property, daily.client_id AS client_id, daily.kind AS kind, daily.value AS value,
      {{ day }} AS day
    )))) AS click_key,
    TRUE AS is_scanned
  FROM daily
  UNION ALL
  -- what each table that is gone by now told last
  SELECT
    kept.date, kept.property, kept.shard, kept.client_id, kept.kind, kept.value, kept.seen_at, kept.id_hash, kept.click_key,
    FALSE
  FROM {{ known }} AS kept
  WHERE kept.date BETWEEN GREATEST(@unread_from, @start_date) AND @unread_until AND NOT {{ is_told }}
  UNION ALL
  -- what later days show of the ids that the window shows or showed: their first sight may be another by now
  SELECT
    later.date, later.property, later.shard, later.client_id, later.kind, later.value, later.seen_at, later.id_hash,
    later.click_key, FALSE
  FROM {{ known }} AS later
  WHERE
    later.date BETWEEN DATE_ADD(@end_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL {{ remembered }} DAY)
    AND later.id_hash IN (
      SELECT daily.id_hash FROM daily
      UNION ALL
      SELECT before.id_hash FROM {{ known }} AS before WHERE before.date BETWEEN @start_date AND @end_date
    )
),
earlier AS (
  -- when ids that were seen before were seen first
  SELECT known.id_hash, MIN(known.clicked_at) AS clicked_at
  FROM {{ known }} AS known
  WHERE known.date BETWEEN DATE_SUB(@start_date, INTERVAL {{ remembered }} DAY) AND DATE_SUB(@start_date, INTERVAL 1 DAY)
  GROUP BY known.id_hash
),
sighted AS (
  -- a row of before its table was kept may be one that the scan tells
  SELECT shown.*
  FROM shown
  QUALIFY ROW_NUMBER() OVER (PARTITION BY shown.click_key ORDER BY shown.is_scanned DESC) = 1
)
SELECT
  sighted.date,
  sighted.click_key,
  sighted.property,
  sighted.client_id,
  sighted.kind,
  sighted.value,
  sighted.seen_at,
  LEAST(
    COALESCE(earlier.clicked_at, sighted.seen_at),
    MIN(sighted.seen_at) OVER (PARTITION BY sighted.id_hash)
  ) AS clicked_at,
  sighted.id_hash,
  sighted.shard
FROM sighted
LEFT JOIN earlier ON earlier.id_hash = sighted.id_hash
