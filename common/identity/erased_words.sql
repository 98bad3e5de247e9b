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
          OR TO_HEX(SHA256(LOWER(TRIM(word)))) IN UNNEST(forgotten.hashes)
          OR LOWER(TRIM(word)) IN UNNEST(forgotten.hashes)
          OR TO_HEX(SHA256(REGEXP_REPLACE(REGEXP_REPLACE(word, r'[^0-9]', ''), r'^00', ''))) IN UNNEST(forgotten.hashes)
        )
    )
