  WITH
  deduplicated AS (
    -- each event once; identical rows are counted
    SELECT scanned.*, COUNT(*) OVER (PARTITION BY scanned.event_key) - 1 AS copies
    FROM {{ scanned }} AS scanned
    WHERE scanned.is_wanted = TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY scanned.event_key ORDER BY scanned.moment) = 1
  ),
  published AS (
    -- rows of the first rule keep the key and the id under which they were published
    SELECT
      target.event_key,
      COALESCE(target.purchase_id, target.order_id, CONCAT('ga4-', target.event_key)) AS purchase_id
    FROM {{ target }} AS target
    WHERE
      target.date BETWEEN @start_date AND @end_date
      AND target.event_name IN UNNEST(@event_names)
      AND COALESCE(target.key_version, 1) = 1
  ),
  claimed AS (
    -- which event of the scan is which published row
    SELECT deduplicated.event_key, deduplicated.event_key_before, deduplicated.purchase_id_before
    FROM deduplicated
    INNER JOIN published ON published.event_key = deduplicated.event_key_before
    QUALIFY ROW_NUMBER() OVER (
      PARTITION BY published.event_key
      ORDER BY deduplicated.purchase_id_before = published.purchase_id DESC, deduplicated.event_key
    ) = 1
  ),
  named AS (
    -- keys and ids as they were published, and the record of the visit
    SELECT
      deduplicated.* REPLACE (
        COALESCE(claimed.event_key_before, deduplicated.event_key) AS event_key,
        COALESCE(claimed.purchase_id_before, deduplicated.purchase_id) AS purchase_id
      ),
      IF(claimed.event_key IS NULL, 2, 1) AS key_version,
      -- the record of the visit; without a visit that of the event itself; never a mixture
      CASE
        WHEN visited.session_id IS NOT NULL THEN visited.source_step
        WHEN deduplicated.session_step IS NOT NULL THEN deduplicated.session_step
        WHEN deduplicated.own_source IS NOT NULL THEN 'event'
        ELSE 'none'
      END AS source_step,
      CASE
        WHEN visited.session_id IS NOT NULL THEN visited.source
        WHEN deduplicated.session_step IS NOT NULL THEN deduplicated.session_source
        ELSE COALESCE(deduplicated.own_source, '(not set)')
      END AS source,
      CASE
        WHEN visited.session_id IS NOT NULL THEN visited.medium
        WHEN deduplicated.session_step IS NOT NULL THEN deduplicated.session_medium
        WHEN deduplicated.own_source IS NOT NULL THEN deduplicated.own_medium
        ELSE '(not set)'
      END AS medium,
      CASE
        WHEN visited.session_id IS NOT NULL THEN visited.campaign
        WHEN deduplicated.session_step IS NOT NULL THEN deduplicated.session_campaign
        WHEN deduplicated.own_source IS NOT NULL THEN deduplicated.own_campaign
        ELSE '(not set)'
      END AS campaign,
      IF(visited.session_id IS NULL, deduplicated.session_channel, visited.channel_group) AS known_channel,
      visited.channel_is_computed AS visit_is_computed
    FROM deduplicated
    LEFT JOIN claimed ON claimed.event_key = deduplicated.event_key
    LEFT JOIN {{ visited }} AS visited
      ON visited.property = deduplicated.property AND visited.session_id = deduplicated.session_id
  )
  SELECT
    {{ columns }},
    named.event_key,
    named.purchase_id,
    named.key_version,
    named.copies,
    named.source,
    named.medium,
    named.campaign,
    COALESCE(named.known_channel, {{ channel_group }}) AS channel_group,
    COALESCE(named.visit_is_computed, named.known_channel IS NULL) AS channel_is_computed,
    named.source_step,
    {{ former }}
  FROM named
