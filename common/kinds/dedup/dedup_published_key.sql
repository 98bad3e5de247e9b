  -- the same by their keys
  SELECT {{ key }} AS key
  FROM (
{{ published }}
  ) AS known
