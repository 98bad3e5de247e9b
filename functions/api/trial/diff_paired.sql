WITH
  live_judged AS (
    SELECT c.*, {{ live_reason }} AS reason FROM {{ live }} AS c
  ),
  new_judged AS (
    SELECT c.*, {{ new_reason }} AS reason FROM {{ new }} AS c
  ),
  live_kept AS (
    SELECT judged.id, judged.created, judged.net_value, judged.currency, judged.dollar_rate, judged.is_qualified
    FROM live_judged AS judged
    WHERE judged.removed IS NULL AND judged.reason IS NULL
  ),
  new_kept AS (
    SELECT judged.id, judged.created, judged.net_value, judged.currency, judged.dollar_rate, judged.is_qualified
    FROM new_judged AS judged
    WHERE judged.removed IS NULL AND judged.reason IS NULL
  )
  SELECT
    COALESCE(fresh.id, live.id) AS id,
    COALESCE(fresh.created, live.created) AS created,
    live.created AS live_created,
    CASE
      WHEN live.id IS NULL THEN 'added'
      WHEN fresh.id IS NULL THEN 'removed'
      -- -0.0 is no other value than 0.0
      WHEN TO_JSON_STRING(STRUCT(live.created AS created, live.net_value + 0.0 AS net_value, live.currency AS currency, live.is_qualified AS is_qualified))
        = TO_JSON_STRING(STRUCT(fresh.created AS created, fresh.net_value + 0.0 AS net_value, fresh.currency AS currency, fresh.is_qualified AS is_qualified))
        THEN 'same'
      ELSE 'changed'
    END AS change,
    live.net_value AS live_value,
    fresh.net_value AS draft_value,
    live.currency AS live_currency,
    fresh.currency AS draft_currency,
    live.is_qualified AS live_qualified,
    fresh.is_qualified AS draft_qualified,
    live.net_value * {{ live_rate }} AS live_project,
    fresh.net_value * {{ new_rate }} AS draft_project
  FROM live_kept AS live
  FULL OUTER JOIN new_kept AS fresh ON fresh.id = live.id
  LEFT JOIN ({{ rates }}) AS live_rates
    ON live_rates.day = DATE(live.created, @timezone) AND live_rates.currency = live.currency
  LEFT JOIN ({{ rates }}) AS new_rates
    ON new_rates.day = DATE(fresh.created, @timezone) AND new_rates.currency = fresh.currency
  -- each row at the rate of its own day: a draft may date it on another one
  LEFT JOIN ({{ dollars }}) AS live_dollars ON live_dollars.day = DATE(live.created, @timezone)
  LEFT JOIN ({{ dollars }}) AS new_dollars ON new_dollars.day = DATE(fresh.created, @timezone)
