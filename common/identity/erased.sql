COALESCE(TO_HEX(SHA256({{ id }})), '') NOT IN (SELECT erased.subject_hash FROM {{ erasures }} AS erased)
