SELECT {{ id }} AS definition_id, *
FROM {{ conversion }}
