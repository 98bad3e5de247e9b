  -- a row that breaks the contract counts for nobody, so it is out before duplicates are looked for
  SELECT c.* REPLACE (IF(c.removed IS NULL, {{ fault }}, c.removed) AS removed)
  FROM (
    SELECT
    {{ ours }},
    {{ columns }}
    FROM {{ stage }} AS event
    WHERE
      event.date {{ days }}
      AND event.event_name IN UNNEST(@event_names){{ filters }}
  ) AS c
