-- Times that no run would keep, and whether all of them are midnight.
WITH judged AS (
  SELECT
    answer.{{ moment }} AS moment,
    answer.{{ moment }} IS NULL
      OR answer.{{ moment }} < TIMESTAMP '2000-01-01 00:00:00+00'
      OR answer.{{ moment }} > @latest AS is_invalid
  FROM {{ answer }} AS answer
)
SELECT
  COUNTIF(judged.moment IS NULL) AS missing,
  COUNTIF(judged.moment < TIMESTAMP '2000-01-01 00:00:00+00') AS ancient,
  COUNTIF(judged.moment > @latest) AS future,
  COUNTIF(NOT judged.is_invalid) AS valid,
  COUNTIF(NOT judged.is_invalid AND DATE(judged.moment, @timezone) NOT BETWEEN @start_date AND @end_date) AS outside,
  COUNTIF(NOT judged.is_invalid AND MOD(UNIX_SECONDS(judged.moment), 86400) = 0) AS midnight_utc,
  COUNTIF(
    NOT judged.is_invalid
    AND EXTRACT(HOUR FROM judged.moment AT TIME ZONE @timezone) = 0
    AND EXTRACT(MINUTE FROM judged.moment AT TIME ZONE @timezone) = 0
    AND EXTRACT(SECOND FROM judged.moment AT TIME ZONE @timezone) = 0
  ) AS midnight_local
FROM judged
