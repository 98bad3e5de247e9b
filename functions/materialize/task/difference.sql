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
      SELECT history.id FROM {{ target }} AS history WHERE {{ outside }}
    )
    AND {{ spared }}
),
{{ earlier_days }}{{ lent }}valued AS (
  -- the candidates with what visits lend, worth in their own currency and in the project's
  SELECT
    kept.* EXCEPT (removed, reason, net_value) REPLACE (
      {{ kept_lent }}IF(@unit_value IS NULL, kept.currency, @now_currency) AS currency,
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
  FROM kept{{ join_known }}
  LEFT JOIN ({{ rates }}) AS rates ON rates.day = kept.date AND rates.currency = kept.currency
  LEFT JOIN ({{ dollars }}) AS own ON own.day = kept.date
),
wanted AS (
  -- what the window should hold
  SELECT {{ valued_columns }} FROM valued{{ learnt }}
),
fresh AS (
  -- the same with a fingerprint of each row
  SELECT spelled.* EXCEPT (row_text), {{ fingerprint }} AS row_hash
  FROM (SELECT wanted.*, {{ row_text }} AS row_text FROM wanted) AS spelled
),
present AS (
  -- what the window holds
  SELECT target.date, target.row_hash, target.first_seen_at, target.definition_version, {{ remembered }}
  FROM {{ target }} AS target
  WHERE target.date BETWEEN @earliest_date AND @end_date
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
