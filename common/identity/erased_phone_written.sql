IF(
  REGEXP_CONTAINS({{ value }}, r'^\s*[0-9a-fA-F]{64}\s*$'),
  LOWER(TRIM({{ value }})),
  REGEXP_REPLACE(REGEXP_REPLACE({{ value }}, r'[^0-9]', ''), r'^00', '')
)
