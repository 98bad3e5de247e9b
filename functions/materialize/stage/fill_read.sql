SELECT exported.*
FROM (
{{ raw }}
) AS exported
CROSS JOIN (SELECT ARRAY_AGG(erased.subject_hash) AS hashes FROM {{ erasures }} AS erased) AS forgotten
WHERE
  {{ spared }}
  AND (
    {{ unnamed }}
  )
