SELECT
    event.property,
    event.is_preliminary,
    event.event_name,
    event.shard,
    event.occurred_at,
    event.date,
    event.astray,
    {{ columns }},
    {{ click_pairs }} AS param_clicks,
    event.astray IS NULL AND event.is_staged AND event.date BETWEEN @start_date AND @end_date AS is_wanted,
    IF(event.is_staged, CONCAT({{ key_before }}), NULL) AS key_before,
    IF(event.is_staged, {{ event_params }}, []) AS event_params,
    IF(event.is_staged, {{ user_properties }}, []) AS user_properties,
    event.items
  FROM (
    SELECT
      {{ property }} AS property,
      {{ is_preliminary }} AS is_preliminary,
      event.event_name,
      {{ shard }} AS shard,
      -- a moment that no date has would fail the statement
      IF({{ is_astray }}, NULL, {{ occurred_at }}) AS occurred_at,
      IF({{ is_astray }}, NULL, DATE({{ occurred_at }}, @timezone)) AS date,
      -- of an event whose time cannot be what is left of it to tell somebody
      IF(
        {{ is_astray }},
        STRUCT(
          {{ property }} AS property, {{ table_day }} AS day, event.event_name AS event_name,
          {{ micros }} AS micros, {{ is_staged }} AS is_staged
        ),
        NULL
      ) AS astray,
      {{ read }},
      {{ is_staged }} AS is_staged,
      IF({{ is_staged }}, {{ items }}, []) AS items
    FROM {{ shards }}
      AND IF(
        {{ is_astray }}, TRUE,
        DATE({{ occurred_at }}, @timezone)
          BETWEEN DATE_SUB(@start_date, INTERVAL 1 DAY) AND DATE_ADD(@end_date, INTERVAL 1 DAY)
      )
      AND event.event_name IS NOT NULL
      -- audience events are GA4's own, not anybody's
      AND COALESCE({{ synthetic }}, 0) <> 1
  ) AS event
