SELECT {{ id }} AS definition_id, {{ columns }}
FROM {{ conversion }} AS row_
