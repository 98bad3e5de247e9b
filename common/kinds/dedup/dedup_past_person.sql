  -- who counted before the window
{{ published }}
  UNION DISTINCT
  -- whoever bought and gave everything back has bought before
  SELECT {{ key }} AS key
  FROM past_persons
