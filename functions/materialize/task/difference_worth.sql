{{ lent }}valued AS (
  -- the candidates with what visits lend, worth in their own currency and in the project's
  SELECT
    kept.* EXCEPT ({{ done }}) REPLACE (
      {{ kept_lent }}IF(@unit_value IS NULL, kept.currency, @now_currency) AS currency,
      IF(@unit_value IS NULL, kept.value_kind, 'normalized') AS value_kind
    ),
    COALESCE(@unit_value, kept.net_value * COALESCE(@factor, 1)) AS value,
    COALESCE(
      @unit_value,
      kept.net_value * COALESCE(@factor, 1) * {{ rate }},
      -- nothing is nothing in any currency, and a free order has no rate of its own
      IF(kept.net_value = 0 AND kept.currency IS NOT NULL, 0, NULL)
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
)
