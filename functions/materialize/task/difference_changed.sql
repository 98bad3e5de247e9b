FROM fresh
FULL OUTER JOIN present ON present.id = fresh.id
WHERE fresh.id IS NULL OR present.id IS NULL OR fresh.row_hash <> present.row_hash
