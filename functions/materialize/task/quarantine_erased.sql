
  (SELECT COUNT(*) FROM {{ erasures }} AS erased) <> (SELECT MAX(kin.erasures) FROM {{ kin }} AS kin) AS erased_since,
