NOT EXISTS (
      SELECT 1
      -- while nobody was erased no text is looked at
      FROM UNNEST(IF(
        forgotten.hashes IS NULL,
        ARRAY<STRING>[],
        ARRAY_CONCAT(
          {{ texts }},
          {{ words }}
        )
      )) AS word
      WHERE
        LENGTH(word) >= {{ shortest }}
        AND (
          TO_HEX(SHA256(word)) IN UNNEST(forgotten.hashes)
          -- another writing is NULL, which costs nothing, where it is the same
          OR TO_HEX(SHA256(NULLIF(LOWER(TRIM(word)), word))) IN UNNEST(forgotten.hashes)
          OR LOWER(TRIM(word)) IN UNNEST(forgotten.hashes)
          OR TO_HEX(SHA256(NULLIF({{ number }}, word))) IN UNNEST(forgotten.hashes)
        )
    )
