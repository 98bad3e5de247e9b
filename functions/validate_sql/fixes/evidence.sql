-- How the values of a column fare in a reading: not fitting it, lost by it, and no longer distinct.
SELECT
  {{ counts }}
FROM {{ answer }} AS answer
