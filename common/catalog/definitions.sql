SELECT
  collection, id, version, kind, status, definition, definition_hash, referenced_tables,
  created_at, created_by
FROM {{ definitions }}
WHERE collection = @collection AND (@id = '' OR id = @id)
QUALIFY NOT @newest OR ROW_NUMBER() OVER (PARTITION BY id ORDER BY version DESC, created_at DESC) = 1
ORDER BY id, version, created_at
