-- The target conversions as deals of the person. They count only when they come after the lead: a
-- microsecond less keeps out those of the same moment. Those that did not reach their target status
-- are no deals; while that is not known, nothing is.
SELECT
  target.id AS deal_id,
  target.user_id,
  target.created AS deal_created,
  TIMESTAMP_SUB(target.created, INTERVAL 1 MICROSECOND) AS outcome_at,
  IF(target.is_qualified, 'won', 'open') AS status,
  target.value_project AS deal_value
FROM {{ conversions }} AS target
WHERE target.user_id IS NOT NULL AND target.is_qualified IS NOT FALSE
