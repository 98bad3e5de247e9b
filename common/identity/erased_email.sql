COALESCE(
      IF(
        REGEXP_CONTAINS({{ id }}, r'^\s*[0-9a-fA-F]{64}\s*$'),
        LOWER(TRIM({{ id }})),
        TO_HEX(SHA256(LOWER(TRIM({{ id }}))))
      ),
      ''
    ) NOT IN (SELECT erased.subject_hash FROM {{ erasures }} AS erased)
