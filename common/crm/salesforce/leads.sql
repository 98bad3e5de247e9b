-- A lead that was merged away names its master; a history table keeps one current row.
SELECT
  lead.id AS lead_id,
  lead.client_id,
  lead.created,
  COALESCE(lead.contact_id, lead.id) AS user_id,
  lead.gclid,
  lead.fbclid,
  lead.email,
  lead.phone{{ attributes }}
FROM {{ lead }} AS lead
WHERE NOT COALESCE(lead.is_deleted, FALSE)
  AND COALESCE(lead.is_current, TRUE)
  AND lead.master_record_id IS NULL
  AND lead.created IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY lead.id ORDER BY lead.created) = 1
