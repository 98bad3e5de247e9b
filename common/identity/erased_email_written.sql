LOWER(TRIM({{ value }}))
