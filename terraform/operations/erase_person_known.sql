-- What else names the person in rows that hold an id of theirs or their e-mail address.
SELECT DISTINCT known
FROM {{ table }} AS held
CROSS JOIN UNNEST({{ names }}) AS known
WHERE
  ({{ mentioned }})
  -- a placeholder is everybody's
  AND LOWER(TRIM(known)) NOT IN UNNEST(@nobody)
