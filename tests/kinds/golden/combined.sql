-- step candidates
-- @end_date DATE = "2026-11-28"
-- @start_date DATE = "2026-11-25"
-- @v_22a5fbb1a1e6 INT64 = 604800000000
-- @v_d22dda355198 STRING = "purchase"
-- @v_e6e52556de0c STRING = "lead"
CREATE OR REPLACE TABLE `my-project.conversions_staging.both_1_candidates` AS
WITH RECURSIVE
members AS (
  -- the rows of its members, by the order in which they are listed
  SELECT
  CONCAT('000', '/', member.id) AS event_key,
  CONCAT(@v_d22dda355198, '/', member.id) AS id,
  member.client_id AS client_id,
  member.created AS created,
  member.currency AS currency,
  member.is_qualified AS is_qualified,
  member.params AS params,
  member.user_id AS user_id,
  member.lead_id AS lead_id,
  CAST(NULL AS STRING) AS person_id,
  member.value_gross AS value_gross,
  member.value_refunded AS value_refunded,
  member.refund_status AS refund_status,
  member.value_kind AS value_kind,
  member.value_problem AS value_problem,
  member.dollar_rate AS dollar_rate,
  member.is_preliminary AS is_preliminary,
  @v_d22dda355198 AS component,
  member.gclid AS gclid,
  member.gbraid AS gbraid,
  member.wbraid AS wbraid,
  member.dclid AS dclid,
  member.fbc AS fbc,
  member.fbclid AS fbclid,
  member.fbp AS fbp,
  member.msclkid AS msclkid,
  member.ttclid AS ttclid,
  member.ttp AS ttp,
  member.li_fat_id AS li_fat_id,
  member.click_at AS click_at,
  member.google_click_at AS google_click_at,
  member.cm360_click_at AS cm360_click_at,
  member.meta_click_at AS meta_click_at,
  member.microsoft_click_at AS microsoft_click_at,
  member.tiktok_click_at AS tiktok_click_at,
  member.linkedin_click_at AS linkedin_click_at,
  member.session_id AS session_id,
  member.source AS source,
  member.medium AS medium,
  member.campaign AS campaign,
  member.channel_group AS channel_group,
  member.page_location AS page_location,
  member.user_agent AS user_agent,
  member.ip_address AS ip_address,
  member.country AS country,
  member.region AS region,
  member.city AS city,
  member.postal_code AS postal_code,
  member.email AS email,
  member.phone AS phone,
  member.first_name AS first_name,
  member.last_name AS last_name,
  member.order_id AS order_id,
  member.event_source AS event_source,
  member.consent_ad_user_data AS consent_ad_user_data,
  member.consent_ad_personalization AS consent_ad_personalization,
  member.value AS net_value,
  CAST(NULL AS STRING) AS removed
  FROM `my-project.conversions.conversion_purchase` AS member
  WHERE member.date BETWEEN @start_date AND @end_date
  UNION ALL
  SELECT
  CONCAT('001', '/', member.id) AS event_key,
  CONCAT(@v_e6e52556de0c, '/', member.id) AS id,
  member.client_id AS client_id,
  member.created AS created,
  member.currency AS currency,
  member.is_qualified AS is_qualified,
  member.params AS params,
  member.user_id AS user_id,
  member.lead_id AS lead_id,
  CAST(NULL AS STRING) AS person_id,
  member.value_gross AS value_gross,
  member.value_refunded AS value_refunded,
  member.refund_status AS refund_status,
  member.value_kind AS value_kind,
  member.value_problem AS value_problem,
  member.dollar_rate AS dollar_rate,
  member.is_preliminary AS is_preliminary,
  @v_e6e52556de0c AS component,
  member.gclid AS gclid,
  member.gbraid AS gbraid,
  member.wbraid AS wbraid,
  member.dclid AS dclid,
  member.fbc AS fbc,
  member.fbclid AS fbclid,
  member.fbp AS fbp,
  member.msclkid AS msclkid,
  member.ttclid AS ttclid,
  member.ttp AS ttp,
  member.li_fat_id AS li_fat_id,
  member.click_at AS click_at,
  member.google_click_at AS google_click_at,
  member.cm360_click_at AS cm360_click_at,
  member.meta_click_at AS meta_click_at,
  member.microsoft_click_at AS microsoft_click_at,
  member.tiktok_click_at AS tiktok_click_at,
  member.linkedin_click_at AS linkedin_click_at,
  member.session_id AS session_id,
  member.source AS source,
  member.medium AS medium,
  member.campaign AS campaign,
  member.channel_group AS channel_group,
  member.page_location AS page_location,
  member.user_agent AS user_agent,
  member.ip_address AS ip_address,
  member.country AS country,
  member.region AS region,
  member.city AS city,
  member.postal_code AS postal_code,
  member.email AS email,
  member.phone AS phone,
  member.first_name AS first_name,
  member.last_name AS last_name,
  member.order_id AS order_id,
  member.event_source AS event_source,
  member.consent_ad_user_data AS consent_ad_user_data,
  member.consent_ad_personalization AS consent_ad_personalization,
  member.value AS net_value,
  CAST(NULL AS STRING) AS removed
  FROM `my-project.conversions.conversion_lead` AS member
  WHERE member.date BETWEEN @start_date AND @end_date
),
earlier AS (
  -- which clients counted before the window, and when last
  SELECT target.client_id AS key, MAX(target.created) AS created
  FROM `my-project.conversions.conversion_both` AS target
  WHERE target.date < @start_date AND target.date >= DATE_SUB(@start_date, INTERVAL 8 DAY) AND target.client_id IS NOT NULL
  GROUP BY 1
),
numbered AS (
  -- the candidates of each person in order, and which one is the first at least the window later
  SELECT
    previous.event_key,
    previous.client_id AS key,
    ROW_NUMBER() OVER (PARTITION BY previous.client_id ORDER BY previous.created, previous.event_key) AS position,
    COUNT(*) OVER (
      PARTITION BY previous.client_id ORDER BY UNIX_MICROS(previous.created)
      RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) - COUNT(*) OVER (
      PARTITION BY previous.client_id ORDER BY UNIX_MICROS(previous.created)
      RANGE BETWEEN @v_22a5fbb1a1e6 FOLLOWING AND UNBOUNDED FOLLOWING
    ) + 1 AS next_position,
    earlier.created IS NULL
      OR UNIX_MICROS(previous.created) - UNIX_MICROS(earlier.created) >= @v_22a5fbb1a1e6 AS can_start
  FROM members AS previous
  LEFT JOIN earlier ON earlier.key = previous.client_id
  WHERE previous.removed IS NULL AND previous.client_id IS NOT NULL
),
kept AS (
  -- of each person the candidates that count: the next one is at least the window after the one before
  SELECT numbered.key, MIN(numbered.position) AS position
  FROM numbered
  WHERE numbered.can_start
  GROUP BY numbered.key
  UNION ALL
  SELECT next_row.key, next_row.position
  FROM kept
  INNER JOIN numbered AS present ON present.key = kept.key AND present.position = kept.position
  INNER JOIN numbered AS next_row ON next_row.key = present.key AND next_row.position = present.next_position
),
spaced AS (
  -- candidates that follow a counted one too soon are out
  SELECT previous.* REPLACE (
    COALESCE(
      previous.removed,
      IF(numbered.event_key IS NOT NULL AND kept.key IS NULL, 'duplicate_user', NULL)
    ) AS removed
  )
  FROM members AS previous
  LEFT JOIN numbered ON numbered.event_key = previous.event_key
  LEFT JOIN kept ON kept.key = numbered.key AND kept.position = numbered.position
)
SELECT last.* EXCEPT (event_key) FROM spaced AS last;

-- step difference
-- @earliest_date DATE = "2026-11-25"
-- @end_date DATE = "2026-11-28"
-- @factor FLOAT64 = null
-- @factor_as_of DATE = null
-- @fence INT64 = 1
-- @now_currency STRING = "EUR"
-- @run_id STRING = "paper"
-- @start_date DATE = "2026-11-25"
-- @timezone STRING = "Europe/Berlin"
-- @unit_value FLOAT64 = null
-- @v_39903922be50 STRING = "EUR"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
-- @version INT64 = 1
CREATE OR REPLACE TABLE `my-project.conversions_staging.both_1_difference` AS
WITH
judged AS (
  -- the candidates, and what speaks against each
  SELECT
    c.*,
    DATE(c.created, @timezone) AS date,
    IF(
      c.removed IS NULL,
      COALESCE(
        CASE
      WHEN c.id IS NULL OR TRIM(c.id) = '' THEN 'missing_id'
      WHEN c.created IS NULL THEN 'missing_created'
      WHEN c.created < TIMESTAMP '2000-01-01 00:00:00+00' THEN 'invalid_created'
      WHEN c.created > TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 24 HOUR) THEN 'created_in_future'
      END,
        IF(DATE(c.created, @timezone) NOT BETWEEN @start_date AND @end_date, 'outside_window', NULL),
        -- only rows that may count compete: a broken one, or one of another day, pushes nobody out
        IF(
          ROW_NUMBER() OVER (
            PARTITION BY
              c.id,
              c.removed IS NULL AND CASE
      WHEN c.id IS NULL OR TRIM(c.id) = '' THEN 'missing_id'
      WHEN c.created IS NULL THEN 'missing_created'
      WHEN c.created < TIMESTAMP '2000-01-01 00:00:00+00' THEN 'invalid_created'
      WHEN c.created > TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 24 HOUR) THEN 'created_in_future'
      END IS NULL AND DATE(c.created, @timezone) BETWEEN @start_date AND @end_date
            ORDER BY c.created DESC, c.client_id, c.value_gross, c.currency, c.user_id, c.lead_id, TO_JSON_STRING(c.params)
          ) > 1,
          'duplicate_id', NULL
        )
      ),
      -- kinds that remove duplicates have judged each row before
      IF(c.removed IN UNNEST(@v_af3343713b33), c.removed, NULL)
    ) AS reason
  FROM `my-project.conversions_staging.both_1_candidates` AS c
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
      SELECT history.id FROM `my-project.conversions.conversion_both` AS history WHERE history.date BETWEEN DATE_SUB(@start_date, INTERVAL 2 DAY) AND DATE_ADD(@end_date, INTERVAL 2 DAY) AND NOT (history.date BETWEEN @start_date AND @end_date)
    )
    AND COALESCE(TO_HEX(SHA256(judged.`id`)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(TO_HEX(SHA256(judged.`client_id`)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(TO_HEX(SHA256(judged.`user_id`)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(TO_HEX(SHA256(judged.`lead_id`)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(
      IF(
        REGEXP_CONTAINS(judged.`email`, r'^\s*[0-9a-fA-F]{64}\s*$'),
        LOWER(TRIM(judged.`email`)),
        TO_HEX(SHA256(LOWER(TRIM(judged.`email`))))
      ),
      ''
    ) NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(
      IF(
        REGEXP_CONTAINS(judged.`phone`, r'^\s*[0-9a-fA-F]{64}\s*$'),
        LOWER(TRIM(judged.`phone`)),
        TO_HEX(SHA256(REGEXP_REPLACE(REGEXP_REPLACE(judged.`phone`, r'[^0-9]', ''), r'^00', '')))
      ),
      ''
    ) NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND judged.id NOT IN (
      SELECT named.id
      FROM judged AS named
      -- while nobody was erased no text is looked at
      JOIN (SELECT COUNT(*) AS hashes FROM `my-project.conversions.erasures`) AS forgotten ON forgotten.hashes > 0
      CROSS JOIN UNNEST(ARRAY_CONCAT(
        [STRUCT('page' AS key, named.page_location AS text)],
        ARRAY(
          SELECT AS STRUCT parameter.key, parameter.value AS text
          FROM UNNEST(named.params) AS parameter
        )
      )) AS told
      CROSS JOIN UNNEST(ARRAY_CONCAT([told.text], REGEXP_EXTRACT_ALL(REGEXP_REPLACE(told.text, r'%40', '@'), r'[^\s?&=#/;,<>()"]{1,}'))) AS word
      WHERE named.id IS NOT NULL AND (
        LENGTH(word) >= 6
        OR (word = told.text AND REGEXP_CONTAINS(told.key, r'(?i)user|customer|client|lead|contact|member|account|person|subscriber|visitor'))
      ) AND NOT (
    COALESCE(TO_HEX(SHA256(word)), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(
      IF(
        REGEXP_CONTAINS(word, r'^\s*[0-9a-fA-F]{64}\s*$'),
        LOWER(TRIM(word)),
        TO_HEX(SHA256(LOWER(TRIM(word))))
      ),
      ''
    ) NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
    AND COALESCE(TO_HEX(SHA256(IF(
      -- few words have so many digits, and to take the others out of a word costs more than the rest
      REGEXP_CONTAINS(word, r'(?:[0-9][^0-9]*){7,}'),
      REGEXP_EXTRACT(
        REGEXP_REPLACE(word, r'%[0-9A-Fa-f]{2}|[^0-9]', ''), r'^(?:00)?([0-9]{7,})$'
      ),
      NULL
    ))), '') NOT IN (SELECT erased.subject_hash FROM `my-project.conversions.erasures` AS erased)
      )
    )
),
valued AS (
  -- the candidates with what visits lend, worth in their own currency and in the project's
  SELECT
    kept.* EXCEPT (removed, reason, net_value) REPLACE (
      IF(@unit_value IS NULL, kept.currency, @now_currency) AS currency,
      IF(@unit_value IS NULL, kept.value_kind, 'normalized') AS value_kind
    ),
    COALESCE(@unit_value, kept.net_value * COALESCE(@factor, 1)) AS value,
    COALESCE(
      @unit_value,
      kept.net_value * COALESCE(@factor, 1) * COALESCE(rates.rate, CASE WHEN kept.currency = 'USD' THEN 1 WHEN kept.currency IS NOT NULL THEN kept.dollar_rate END / own.dollars),
      -- nothing is nothing in any currency, and a free order has no rate of its own
      IF(kept.net_value = 0 AND kept.currency IS NOT NULL, 0, NULL)
    ) AS value_project,
    IF(@unit_value IS NOT NULL, 1, COALESCE(rates.rate, CASE WHEN kept.currency = 'USD' THEN 1 WHEN kept.currency IS NOT NULL THEN kept.dollar_rate END / own.dollars)) AS exchange_rate,
    IF(rates.rate IS NULL AND COALESCE(rates.rate, CASE WHEN kept.currency = 'USD' THEN 1 WHEN kept.currency IS NOT NULL THEN kept.dollar_rate END / own.dollars) IS NOT NULL, kept.date, rates.rate_date) AS exchange_date,
    CASE
      WHEN kept.currency = @now_currency OR @unit_value IS NOT NULL THEN 'own'
      WHEN rates.rate IS NOT NULL THEN 'table'
      WHEN COALESCE(rates.rate, CASE WHEN kept.currency = 'USD' THEN 1 WHEN kept.currency IS NOT NULL THEN kept.dollar_rate END / own.dollars) IS NOT NULL THEN 'export'
    END AS rate_source,
    @factor AS normalization_factor,
    @factor_as_of AS normalization_as_of
  FROM kept
  LEFT JOIN (SELECT day, @v_39903922be50 AS currency, 1.0 AS rate, day AS rate_date
    FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
    UNION ALL
    SELECT dated.day, dated.currency, dated.rate, dated.rate_date
    FROM (
      SELECT day, listed.currency, listed.rate, listed.date AS rate_date
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN `my-project.crm.rates` AS listed
        ON listed.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      -- a rate that was left empty, or is zero, is none: the one before it counts
      WHERE listed.currency <> @v_39903922be50 AND listed.rate > 0
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day, listed.currency ORDER BY listed.date DESC, listed.rate) = 1
    ) AS dated) AS rates ON rates.day = kept.date AND rates.currency = kept.currency
  LEFT JOIN (SELECT of_days.day, of_days.dollars
    FROM (
      SELECT day, known.dollars
      FROM UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
      INNER JOIN `my-project.conversions.ga4_rates` AS known ON known.date BETWEEN DATE_SUB(day, INTERVAL 7 DAY) AND day
      WHERE
        known.currency = @v_39903922be50
        AND known.date BETWEEN DATE_SUB(@start_date, INTERVAL 7 DAY) AND @end_date
      QUALIFY ROW_NUMBER() OVER (PARTITION BY day ORDER BY known.date DESC, known.amounts DESC, known.property) = 1
    ) AS of_days) AS own ON own.day = kept.date
),
wanted AS (
  -- what the window should hold
  SELECT valued.id, valued.client_id, valued.created, valued.date, valued.value, valued.currency, valued.is_qualified, valued.params, valued.user_id, valued.lead_id, valued.person_id, valued.value_gross, valued.value_refunded, valued.refund_status, valued.value_kind, valued.value_problem, valued.value_project, valued.exchange_rate, valued.exchange_date, valued.dollar_rate, valued.rate_source, valued.is_preliminary, valued.normalization_factor, valued.normalization_as_of, valued.component, valued.gclid, valued.gbraid, valued.wbraid, valued.dclid, valued.fbc, valued.fbclid, valued.fbp, valued.msclkid, valued.ttclid, valued.ttp, valued.li_fat_id, valued.click_at, valued.google_click_at, valued.cm360_click_at, valued.meta_click_at, valued.microsoft_click_at, valued.tiktok_click_at, valued.linkedin_click_at, valued.session_id, valued.source, valued.medium, valued.campaign, valued.channel_group, valued.page_location, valued.user_agent, valued.ip_address, valued.country, valued.region, valued.city, valued.postal_code, valued.email, valued.phone, valued.first_name, valued.last_name, valued.order_id, valued.event_source, valued.consent_ad_user_data, valued.consent_ad_personalization FROM valued
),
fresh AS (
  -- the same with a fingerprint of each row
  SELECT spelled.* EXCEPT (row_text), CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(spelled.row_text)), 1, 15)) AS INT64) AS row_hash
  FROM (SELECT wanted.*, ARRAY_TO_STRING([wanted.id, wanted.client_id, CAST(wanted.created AS STRING), CAST(wanted.date AS STRING), CAST(wanted.value AS STRING), wanted.currency, CAST(wanted.is_qualified AS STRING), TO_JSON_STRING(wanted.params), wanted.user_id, wanted.lead_id, wanted.person_id, CAST(wanted.value_gross AS STRING), CAST(wanted.value_refunded AS STRING), wanted.refund_status, wanted.value_kind, wanted.value_problem, CAST(wanted.value_project AS STRING), CAST(wanted.exchange_rate AS STRING), CAST(wanted.exchange_date AS STRING), CAST(wanted.dollar_rate AS STRING), wanted.rate_source, CAST(wanted.is_preliminary AS STRING), CAST(wanted.normalization_factor AS STRING), wanted.component, wanted.gclid, wanted.gbraid, wanted.wbraid, wanted.dclid, wanted.fbc, wanted.fbclid, wanted.fbp, wanted.msclkid, wanted.ttclid, wanted.ttp, wanted.li_fat_id, CAST(wanted.click_at AS STRING), CAST(wanted.google_click_at AS STRING), CAST(wanted.cm360_click_at AS STRING), CAST(wanted.meta_click_at AS STRING), CAST(wanted.microsoft_click_at AS STRING), CAST(wanted.tiktok_click_at AS STRING), CAST(wanted.linkedin_click_at AS STRING), wanted.session_id, wanted.source, wanted.medium, wanted.campaign, wanted.channel_group, wanted.page_location, wanted.user_agent, wanted.ip_address, wanted.country, wanted.region, wanted.city, wanted.postal_code, wanted.email, wanted.phone, wanted.first_name, wanted.last_name, wanted.order_id, wanted.event_source, wanted.consent_ad_user_data, wanted.consent_ad_personalization], CHR(31), CHR(30)) AS row_text FROM wanted) AS spelled
),
present AS (
  -- what the window holds
  SELECT target.date, target.row_hash, target.first_seen_at, target.definition_version, target.id, target.client_id, target.user_id, target.lead_id, target.created, target.value, target.currency, target.is_qualified, target.value_gross, target.value_refunded, target.refund_status, target.value_kind, target.value_project, target.normalization_factor, target.component, target.order_id
  FROM `my-project.conversions.conversion_both` AS target
  WHERE target.date BETWEEN @earliest_date AND @end_date
)
SELECT
  COALESCE(fresh.id, present.id) AS id,
  COALESCE(fresh.date, present.date) AS date,
  fresh.client_id, fresh.created, fresh.value, fresh.currency, fresh.is_qualified, fresh.params, fresh.user_id, fresh.lead_id, fresh.person_id, fresh.value_gross, fresh.value_refunded, fresh.refund_status, fresh.value_kind, fresh.value_problem, fresh.value_project, fresh.exchange_rate, fresh.exchange_date, fresh.dollar_rate, fresh.rate_source, fresh.is_preliminary, fresh.normalization_factor, fresh.normalization_as_of, fresh.component, fresh.gclid, fresh.gbraid, fresh.wbraid, fresh.dclid, fresh.fbc, fresh.fbclid, fresh.fbp, fresh.msclkid, fresh.ttclid, fresh.ttp, fresh.li_fat_id, fresh.click_at, fresh.google_click_at, fresh.cm360_click_at, fresh.meta_click_at, fresh.microsoft_click_at, fresh.tiktok_click_at, fresh.linkedin_click_at, fresh.session_id, fresh.source, fresh.medium, fresh.campaign, fresh.channel_group, fresh.page_location, fresh.user_agent, fresh.ip_address, fresh.country, fresh.region, fresh.city, fresh.postal_code, fresh.email, fresh.phone, fresh.first_name, fresh.last_name, fresh.order_id, fresh.event_source, fresh.consent_ad_user_data, fresh.consent_ad_personalization,
  CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(COALESCE(IF(STARTS_WITH(fresh.person_id, 'user:'), fresh.person_id, NULL), CONCAT('client:', fresh.client_id), ''))), 1, 15)) AS INT64) AS person_key,
  CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(IF(STARTS_WITH(fresh.person_id, 'user:') AND NOT COALESCE(fresh.person_id = CONCAT('user:', fresh.user_id), FALSE), CONCAT('client:', fresh.client_id), NULL))), 1, 15)) AS INT64) AS client_key,
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
  IF(present.id IS NULL, NULL, STRUCT(present.id, present.client_id, present.user_id, present.lead_id, present.created, present.value, present.currency, present.is_qualified, present.value_gross, present.value_refunded, present.refund_status, present.value_kind, present.value_project, present.normalization_factor, present.component, present.order_id)) AS old_row
FROM fresh
FULL OUTER JOIN present ON present.id = fresh.id
WHERE fresh.id IS NULL OR present.id IS NULL OR fresh.row_hash <> present.row_hash;

-- step with
-- @closed_date DATE = "2026-11-28"
-- @end_date DATE = "2026-11-28"
-- @recent_end DATE = "2026-11-28"
-- @recent_start DATE = "2026-10-30"
-- @start_date DATE = "2026-11-25"
-- @timezone STRING = "Europe/Berlin"
-- @v_af3343713b33 ARRAY<STRING> = ["created_in_future", "invalid_created", "missing_created", "missing_id"]
-- the statement of simple.sql

-- step merge_conversion_both
-- @first_date DATE = "2026-11-28"
-- @last_date DATE = "2026-11-28"
-- the statement of simple.sql

-- step insert_conversion_changes
-- @definition_id STRING = "both"
-- @end_date DATE = "2026-11-28"
-- @fence INT64 = 1
-- @is_edited BOOL = true
-- @is_first BOOL = false
-- @now TIMESTAMP = "2026-11-29 00:00:00+00:00"
-- @run_id STRING = "paper"
-- @start_date DATE = "2026-11-25"
-- @trigger STRING = "schedule"
-- @usual_cause STRING = "late_data"
-- @version INT64 = 1
-- the statement of simple.sql

-- step truncate
-- the statement of simple.sql
