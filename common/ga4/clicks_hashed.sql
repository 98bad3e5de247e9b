UPDATE {{ known }} AS click
SET id_hash = {{ hash }}
WHERE click.id_hash IS NULL
