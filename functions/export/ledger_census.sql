-- How many conversions the platform holds, and how many of them a run would take back.
WITH
{{ standing }},
present AS (
  SELECT
    standing.holding,
    status.known AND conversion.is_qualified IS FALSE AS lost_status
  FROM standing
  CROSS JOIN status
  JOIN {{ conversions }} AS conversion ON conversion.id = standing.conversion_id
)
SELECT
  (SELECT COUNT(*) FROM standing WHERE standing.holding) AS held,
  (SELECT COUNT(*) FROM proved WHERE proved.holding AND proved.gone_at IS NOT NULL)
  + (SELECT COUNTIF(present.holding AND present.lost_status AND @qualified_only) FROM present) AS leaving,
  (SELECT COUNT(*) FROM proved WHERE proved.holding AND proved.gone_at IS NULL) AS unproved
