-- Each session speaks on its rows that tell where it began, in each daily table that tells of it for itself, as one
-- of them may go; a row that says nothing else is left out.
SELECT marked.*
FROM (
  SELECT
    exported.*,
    -- what the events of the session say together, on its first ones: of all, with an address, with a source
    IF(
      exported.session_id IS NOT NULL AND exported.moment IN (
        MIN(exported.moment) OVER visit,
        MIN(IF(exported.page_location IS NULL, NULL, exported.moment)) OVER visit,
        -- the first row that has the best record of GA4's own
        SUBSTR(MIN(CONCAT({{ rank }}, exported.moment)) OVER visit, 2),
        MIN(IF(exported.own_source IS NULL, NULL, exported.moment)) OVER visit,
        MIN(IF(exported.own_source IS NULL OR exported.says_little, NULL, exported.moment)) OVER visit
      ),
      STRUCT(
        MIN(exported.client_id) OVER visit AS client_id,
        MIN(exported.occurred_at) OVER visit AS started_at,
        MAX(exported.occurred_at) OVER visit AS ended_at,
        COUNTIF(exported.session_step IS NOT NULL OR exported.own_source IS NOT NULL) OVER visit AS sources,
        COUNTIF(exported.event_name IN ('page_view', 'screen_view')) OVER visit AS pages,
        COUNT(DISTINCT IF(exported.event_name IN ('page_view', 'screen_view'), exported.page_path, NULL)) OVER visit AS depth
      ),
      NULL
    ) AS begun
  FROM (
{{ exported }}
  ) AS exported
  -- events without a session are each by themselves, not one heap of a whole export
  WINDOW visit AS (PARTITION BY exported.property, COALESCE(exported.session_id, exported.moment), exported.shard)
) AS marked
WHERE
  marked.is_wanted = TRUE
  OR marked.begun IS NOT NULL
  OR ARRAY_LENGTH(marked.click_pairs) > 0
  OR marked.astray IS NOT NULL
