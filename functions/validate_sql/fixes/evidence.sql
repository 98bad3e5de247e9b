-- How the values of a column fare in each reading: not fitting it, lost by it, no longer distinct.
SELECT
  {{ counts }}
FROM {{ answer }} AS answer
