WITH
reference AS (
  -- rows and total of the conversion that values are scaled to
  SELECT COUNT(*) AS reference_rows, SUM(reference.value_project) AS reference_total
  FROM {{ reference }} AS reference
  WHERE reference.date BETWEEN @first_day AND @last_day
),
own AS (
  -- days before the window from the table, days inside it from this run, in the project's currency
  SELECT COUNT(*) AS own_rows, SUM(own.raw) AS own_total
  FROM (
    SELECT COALESCE(@unit, published.value_gross * published.exchange_rate) AS raw
    FROM {{ target }} AS published
    WHERE published.date BETWEEN @first_day AND @last_day AND published.date < @start_date
    UNION ALL
    SELECT COALESCE(@unit, candidate.value_gross * {{ rate }}) AS raw
    FROM {{ candidates }} AS candidate
    LEFT JOIN ({{ rates }}) AS rates
      ON rates.day = DATE(candidate.created, @timezone) AND rates.currency = candidate.currency
    LEFT JOIN ({{ dollars }}) AS dollars ON dollars.day = DATE(candidate.created, @timezone)
    WHERE candidate.removed IS NULL AND DATE(candidate.created, @timezone) BETWEEN @first_day AND @last_day
  ) AS own
),
latest AS (
  -- the run before left its factor on the row that the window left last: a repeated run finds it again
  SELECT ARRAY_AGG(
    published.normalization_factor IGNORE NULLS ORDER BY published.date DESC, published.normalization_as_of DESC LIMIT 1
  ) AS factors
  FROM {{ target }} AS published
  WHERE published.date BETWEEN DATE_SUB(@start_date, INTERVAL 400 DAY) AND DATE_SUB(@start_date, INTERVAL 1 DAY)
)
SELECT
  reference.reference_rows, reference.reference_total, own.own_rows, own.own_total,
  latest.factors[SAFE_OFFSET(0)] AS previous
FROM reference
CROSS JOIN own
CROSS JOIN latest
