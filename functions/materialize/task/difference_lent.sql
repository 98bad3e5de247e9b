visitors AS (
  -- whose visits may lend something
  {{ visitors }}
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
    visit.date BETWEEN DATE_SUB(@earliest_date, INTERVAL 91 DAY) AND @end_date
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
