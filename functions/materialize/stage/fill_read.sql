SELECT exported.*
FROM (
{{ raw }}
) AS exported
WHERE
  {{ spared }}
