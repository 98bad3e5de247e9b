
  (SELECT COUNT(*) FROM {{ erasures }} AS erased) <> (SELECT MAX(c.erasures) FROM {{ candidates }} AS c) AS erased_since,
