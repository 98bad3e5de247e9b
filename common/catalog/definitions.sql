SELECT
  collection, id, version, kind, status, definition, definition_hash, referenced_tables,
  created_at, created_by
FROM {{ definitions }}
WHERE collection = @collection AND (@id = '' OR id = @id)
ORDER BY id, version, created_at
