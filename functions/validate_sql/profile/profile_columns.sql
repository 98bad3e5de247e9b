-- How many rows there are, and how many have a value in each column.
SELECT
  COUNT(*) AS total,
  {{ counts }}
FROM {{ answer }} AS answer
