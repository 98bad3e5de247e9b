-- A merged lead names its master; labels of option sets are in stringmap.
WITH labels AS (
  SELECT label.attributename, label.attributevalue, label.value
  FROM {{ stringmap }} AS label
  WHERE label.objecttypecode = 'lead' AND NOT COALESCE(label.is_deleted, FALSE)
)
SELECT
  lead.leadid AS lead_id,
  lead.client_id,
  lead.created,
  COALESCE(lead.contact_id, lead.leadid) AS user_id,
  lead.gclid,
  lead.fbclid,
  lead.email,
  lead.phone{{ attributes }}
FROM {{ lead }} AS lead
WHERE NOT COALESCE(lead.is_deleted, FALSE)
  AND lead.master_id IS NULL
  AND lead.created IS NOT NULL
