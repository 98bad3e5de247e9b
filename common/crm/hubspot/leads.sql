-- A lead is a form sent, or a contact who never sent one; merged contacts are one person.
WITH merges AS (
  SELECT audit.vid_to_merge AS merged_id, audit.canonical_vid AS id
  FROM {{ contact_merge_audit }} AS audit
  UNION DISTINCT
  SELECT TRIM(merged_id) AS merged_id, contact.id
  FROM {{ contact }} AS contact
  CROSS JOIN UNNEST(SPLIT(contact.merged_ids, ';')) AS merged_id
  WHERE contact.merged_ids IS NOT NULL
),
folded AS (
  -- a contact that was merged may later be merged again
  SELECT once.merged_id, MAX(COALESCE(twice.id, once.id)) AS id
  FROM merges AS once
  LEFT JOIN merges AS twice ON twice.merged_id = once.id
  WHERE once.merged_id <> once.id
  GROUP BY once.merged_id
),
people AS (
  SELECT contact.*
  FROM {{ contact }} AS contact
  LEFT JOIN folded ON folded.merged_id = contact.id
  WHERE NOT COALESCE(contact.is_deleted, FALSE) AND folded.merged_id IS NULL
),
forms AS (
  SELECT
    form.conversion_id,
    COALESCE(folded.id, form.contact_id) AS contact_id,
    form.timestamp AS sent,
    form.form_id,
    form.title,
    form.page_url
  FROM {{ contact_form_submission }} AS form
  LEFT JOIN folded ON folded.merged_id = form.contact_id
  WHERE form.conversion_id IS NOT NULL AND form.timestamp IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY form.conversion_id ORDER BY form.timestamp) = 1
)
SELECT
  COALESCE(form.conversion_id, lead.id) AS lead_id,
  lead.client_id,
  COALESCE(form.sent, lead.created) AS created,
  lead.id AS user_id,
  lead.gclid,
  lead.fbclid,
  lead.email,
  lead.phone,
  COALESCE(form.title, form.form_id) AS form,
  form.page_url AS form_page{{ attributes }}
FROM people AS lead
LEFT JOIN forms AS form ON form.contact_id = lead.id
WHERE COALESCE(form.sent, lead.created) IS NOT NULL
