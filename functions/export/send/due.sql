-- Conversions with something open, as the newest entry of one of theirs among the latest days says,
-- and those whose table has just been run: the message that tells of it may be lost.
SELECT newest.conversion
FROM (
  SELECT
    attempt.conversion,
    attempt.state,
    attempt.happened_at,
    MAX(
      IF(attempt.state = 'requested' AND attempt.reason = 'late_removal', attempt.recorded_at, NULL)
    ) OVER (
      PARTITION BY attempt.account, attempt.conversion, attempt.conversion_id
    ) > MAX(IF(attempt.state = 'sending', attempt.recorded_at, NULL)) OVER (
      PARTITION BY attempt.account, attempt.conversion, attempt.conversion_id
    ) AS asked_meanwhile
  FROM {{ attempts }} AS attempt
  WHERE attempt.destination = @destination AND attempt.date >= @since
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY attempt.account, attempt.conversion, attempt.conversion_id
      ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC
    ) = 1
) AS newest
WHERE
  newest.state IN UNNEST(@open)
  OR (newest.state = 'accepted' AND newest.asked_meanwhile)
  OR (newest.state = 'parked' AND newest.happened_at < @parked_before)
UNION DISTINCT
-- of all conversions: the caller keeps what this destination takes
SELECT run.conversion
FROM {{ runs }} AS run
WHERE run.date >= @since AND run.recorded_at >= @just_now AND run.status IN UNNEST(@done)
