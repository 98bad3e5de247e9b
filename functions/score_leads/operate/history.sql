-- Every known lead that still exists, with its attributes as first seen and what became of it; of
-- more leads than training takes, the same ones each time.
SELECT
  feature.id,
  feature.created,
  TIMESTAMP_DIFF(feature.first_seen_at, feature.created, SECOND) / 86400 AS seen_after,
  feature.attributes,
  -- what was done before a lead came is the same whenever it is asked for
  visited.attributes AS behaviour,
  outcome.won_after,
  outcome.lost_after,
  -- one deal without a value leaves the money of its lead unknown
  (
    SELECT IF(LOGICAL_OR(win.value IS NULL), NULL, SUM(win.value))
    FROM UNNEST(outcome.wins) AS win
    WHERE win.days <= @window_days
  ) AS value
FROM {{ features }} AS feature
INNER JOIN {{ leads }} AS lead ON lead.id = feature.id
LEFT JOIN {{ outcomes }} AS outcome ON outcome.id = feature.id
LEFT JOIN {{ behaviour }} AS visited ON visited.id = feature.id
WHERE feature.conversion = @conversion
  AND feature.date BETWEEN @start_date AND @end_date
  AND feature.created <= @as_of
  AND MOD(ABS(FARM_FINGERPRINT(feature.id)), @parts) = 0
QUALIFY ROW_NUMBER() OVER (PARTITION BY feature.id ORDER BY feature.first_seen_at) = 1
ORDER BY feature.created, feature.id
