  -- what counted before the window silences what follows, even when it was returned or removed since
  SELECT earlier.*
  FROM (
{{ events }}
  ) AS earlier
  WHERE earlier.removed IS NULL {{ which }}
