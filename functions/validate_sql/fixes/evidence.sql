-- How the values of a column fare in each reading: not fitting it, and lost by it.
SELECT
  {{ counts }}
FROM {{ answer }} AS answer
