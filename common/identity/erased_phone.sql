COALESCE(
      IF(
        REGEXP_CONTAINS({{ id }}, r'^\s*[0-9a-fA-F]{64}\s*$'),
        LOWER(TRIM({{ id }})),
        TO_HEX(SHA256(REGEXP_REPLACE(REGEXP_REPLACE({{ id }}, r'[^0-9]', ''), r'^00', '')))
      ),
      ''
    ) NOT IN (SELECT erased.subject_hash FROM {{ erasures }} AS erased)
