CREATE OR REPLACE TABLE {{ difference }} AS
WITH
judged AS (
  -- the candidates, and what speaks against each
  SELECT
    c.*,
    DATE(c.created, @timezone) AS date,
    {{ reason }} AS reason
  FROM {{ candidates }} AS c
),
kept AS (
  -- the candidates that count
  SELECT judged.*
  FROM judged
  WHERE
    judged.removed IS NULL
    AND judged.reason IS NULL
    -- an id is unique over the whole table, and what is already history wins
    AND judged.id NOT IN (
      SELECT history.id FROM {{ target }} AS history WHERE history.date < @start_date OR history.date > @end_date
    )
    AND COALESCE(TO_HEX(SHA256(judged.client_id)), '') NOT IN (SELECT erased.subject_hash FROM {{ erasures }} AS erased)
    AND COALESCE(TO_HEX(SHA256(judged.user_id)), '') NOT IN (SELECT erased.subject_hash FROM {{ erasures }} AS erased)
),
settled AS (
  -- the days before: their rows stay as they are, and may still learn of visits that GA4 told late
  SELECT history.*
  FROM {{ target }} AS history
  WHERE history.date BETWEEN @settled_date AND DATE_SUB(@start_date, INTERVAL 1 DAY)
),
visitors AS (
  -- whose visits may lend something
  SELECT kept.id, kept.client_id, kept.created FROM kept
  UNION ALL
  SELECT settled.id, settled.client_id, settled.created FROM settled
),
clicks AS (
  -- the last click of each platform before the row
{{ clicks }}
),
visits AS (
  -- the client's last visit of the 90 days before, whole
  SELECT
    visitors.id,
    visit.session_id,
    visit.landing_page AS page_location,
    visit.source,
    visit.medium,
    visit.campaign,
    visit.channel_group
  FROM visitors
  INNER JOIN {{ known_visits }} AS visit ON visit.client_id = visitors.client_id
  WHERE
    visit.date BETWEEN DATE_SUB(@settled_date, INTERVAL 91 DAY) AND @end_date
    AND visit.started_at <= visitors.created
    AND visit.started_at > TIMESTAMP_SUB(visitors.created, INTERVAL 2160 HOUR)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY visitors.id ORDER BY visit.started_at DESC, visit.session_id DESC) = 1
),
known AS (
  -- what clicks and visits lend each row
  SELECT visitors.id, clicks.* EXCEPT (id), visits.* EXCEPT (id)
  FROM visitors
  LEFT JOIN clicks ON clicks.id = visitors.id
  LEFT JOIN visits ON visits.id = visitors.id
),
valued AS (
  -- the candidates with what visits lend, worth in their own currency and in the project's
  SELECT
    kept.* EXCEPT (removed, reason, net_value) REPLACE (
      {{ kept_lent }},
      IF(@unit_value IS NULL, kept.currency, @now_currency) AS currency,
      IF(@unit_value IS NULL, kept.value_kind, 'normalized') AS value_kind
    ),
    COALESCE(@unit_value, kept.net_value * COALESCE(@factor, 1)) AS value,
    COALESCE(
      @unit_value,
      kept.net_value * COALESCE(@factor, 1) * {{ rate }}
    ) AS value_project,
    IF(@unit_value IS NOT NULL, 1, {{ rate }}) AS exchange_rate,
    IF(rates.rate IS NULL AND {{ rate }} IS NOT NULL, kept.date, rates.rate_date) AS exchange_date,
    CASE
      WHEN kept.currency = @now_currency OR @unit_value IS NOT NULL THEN 'own'
      WHEN rates.rate IS NOT NULL THEN 'table'
      WHEN {{ rate }} IS NOT NULL THEN 'export'
    END AS rate_source,
    @factor AS normalization_factor,
    @factor_as_of AS normalization_as_of
  FROM kept
  LEFT JOIN known ON known.id = kept.id
  LEFT JOIN ({{ rates }}) AS rates ON rates.day = kept.date AND rates.currency = kept.currency
  LEFT JOIN ({{ dollars }}) AS own ON own.day = kept.date
),
told AS (
  -- what the window should hold
  SELECT {{ valued_columns }} FROM valued
  UNION ALL
  SELECT {{ settled_columns }}
  FROM (
    SELECT
      settled.* REPLACE (
        {{ settled_lent }}
      )
    FROM settled
    LEFT JOIN known ON known.id = settled.id
  ) AS settled
),
fresh AS (
  -- the same with a fingerprint of each row
  SELECT spelled.* EXCEPT (row_text), {{ fingerprint }} AS row_hash
  FROM (SELECT told.*, {{ row_text }} AS row_text FROM told) AS spelled
),
present AS (
  -- what the window holds
  SELECT target.date, target.row_hash, target.first_seen_at, target.definition_version, {{ remembered }}
  FROM {{ target }} AS target
  WHERE target.date BETWEEN @settled_date AND @end_date
)
SELECT
  COALESCE(fresh.id, present.id) AS id,
  COALESCE(fresh.date, present.date) AS date,
  {{ values }},
  @version AS definition_version,
  @run_id AS run_id,
  @fence AS fence,
  fresh.row_hash,
  COALESCE(present.first_seen_at, CURRENT_TIMESTAMP()) AS first_seen_at,
  CURRENT_TIMESTAMP() AS updated_at,
  CASE WHEN present.id IS NULL THEN 'insert' WHEN fresh.id IS NULL THEN 'delete' ELSE 'update' END AS change,
  present.date AS old_date,
  present.value AS old_value,
  present.value_refunded AS old_refunded,
  present.normalization_factor AS old_factor,
  present.is_qualified AS old_qualified,
  present.definition_version AS old_version,
  -- only rows that changed are spelled out
  IF(present.id IS NULL, NULL, TO_JSON_STRING(STRUCT({{ before }}))) AS old_row,
  IF(fresh.id IS NULL, NULL, TO_JSON_STRING(STRUCT({{ after }}))) AS new_row
FROM fresh
FULL OUTER JOIN present ON present.id = fresh.id
WHERE fresh.id IS NULL OR present.id IS NULL OR fresh.row_hash <> present.row_hash
