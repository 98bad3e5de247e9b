-- A lead is an entry of the leads inbox, or a person who has none.
WITH people AS (
  SELECT person.*
  FROM {{ person }} AS person
  WHERE NOT COALESCE(person.is_deleted, FALSE) AND person.merged_into IS NULL
),
inbox AS (
  SELECT entry.*
  FROM {{ lead }} AS entry
  WHERE NOT COALESCE(entry.is_deleted, FALSE) AND entry.created IS NOT NULL
)
SELECT
  COALESCE(entry.id, lead.id) AS lead_id,
  lead.client_id,
  COALESCE(entry.created, lead.created) AS created,
  lead.id AS user_id,
  lead.gclid,
  lead.fbclid,
  lead.email,
  lead.phone,
  entry.source_name AS lead_source,
  entry.channel AS lead_channel{{ attributes }}
FROM people AS lead
LEFT JOIN inbox AS entry ON entry.person_id = lead.id
WHERE COALESCE(entry.created, lead.created) IS NOT NULL
