-- Each session speaks on one row of the scan; a row that says nothing else is left out.
SELECT marked.*
FROM (
  SELECT
    exported.*,
    -- what the events of the session say together, on the first of them
    IF(
      exported.session_id IS NULL OR ROW_NUMBER() OVER (
        PARTITION BY exported.property, COALESCE(exported.session_id, exported.moment) ORDER BY exported.moment
      ) > 1,
      NULL,
      STRUCT(
        MIN(exported.client_id) OVER visit AS client_id,
        MIN(exported.occurred_at) OVER visit AS started_at,
        MAX(exported.occurred_at) OVER visit AS ended_at,
        COUNTIF(exported.session_step IS NOT NULL OR exported.own_source IS NOT NULL) OVER visit AS sources,
        COUNTIF(exported.event_name IN ('page_view', 'screen_view')) OVER visit AS pages,
        COUNT(DISTINCT IF(exported.event_name IN ('page_view', 'screen_view'), exported.page_path, NULL)) OVER visit AS depth,
        MIN(IF(exported.page_location IS NULL, NULL, CONCAT(exported.moment, exported.page_location))) OVER visit AS landing,
        MIN(IF(exported.session_step IS NULL, NULL, CONCAT(exported.moment, TO_JSON_STRING(STRUCT(
          exported.session_source AS source, exported.session_medium AS medium, exported.session_campaign AS campaign,
          exported.session_channel AS channel, exported.session_step AS step
        ))))) OVER visit AS session_record,
        MIN(IF(exported.own_source IS NULL, NULL, CONCAT(exported.moment, TO_JSON_STRING(STRUCT(
          exported.own_source AS source, exported.own_medium AS medium, exported.own_campaign AS campaign,
          CAST(NULL AS STRING) AS channel, 'first_event' AS step, exported.page_location AS page
        ))))) OVER visit AS event_record,
        MIN(IF(exported.own_source IS NULL OR exported.says_little, NULL, CONCAT(exported.moment, TO_JSON_STRING(STRUCT(
          exported.own_source AS source, exported.own_medium AS medium, exported.own_campaign AS campaign,
          CAST(NULL AS STRING) AS channel, 'first_event' AS step, exported.page_location AS page
        ))))) OVER visit AS worded_record
      )
    ) AS begun
  FROM (
{{ exported }}
  ) AS exported
  -- events without a session are each by themselves, not one heap of a whole export
  WINDOW visit AS (PARTITION BY exported.property, COALESCE(exported.session_id, exported.moment))
) AS marked
WHERE marked.is_wanted = TRUE OR marked.begun IS NOT NULL OR ARRAY_LENGTH(marked.click_pairs) > 0
