-- One row a lead: {{ comment }}. What only a deal knows of who clicked counts for its lead.
WITH RECURSIVE {{ records }},
clicked_by_person AS (
  SELECT link.person_id AS id, {{ least }}
  FROM deals AS deal
  INNER JOIN deal_people AS link ON link.deal_id = deal.id
  GROUP BY link.person_id
),
clicked_by_lead AS (
  SELECT deal.lead_id AS id, {{ least }}
  FROM deals AS deal
  WHERE deal.lead_id IS NOT NULL
  GROUP BY deal.lead_id
),
forms AS (
  SELECT
    entry.*,
    -- a lead that was merged into this one may be what became a contact
    COALESCE(folded.kept, entry.person_id, whole.person_id) AS owner_id,
    whole.created AS first_created,
    {{ first }},
    whole.user_id AS first_user_id
  FROM entry
  INNER JOIN entries AS whole ON whole.id = entry.id
  LEFT JOIN person_folded AS folded
    ON folded.gone = COALESCE(entry.person_id, whole.person_id)
  WHERE whole.is_there
),
contacts AS (
  SELECT
    person.*,
    whole.created AS first_created,
    {{ first }}
  FROM person
  INNER JOIN people AS whole ON whole.id = person.id
  WHERE whole.is_there
)
SELECT
  COALESCE(form.id, person.id) AS lead_id,
  {{ client_id }},
  COALESCE(form.first_created, person.first_created) AS created,
  COALESCE(known.user_id, form.first_user_id, person.id, form.owner_id, form.id) AS user_id,
  {{ clicks }},
  COALESCE(form.email, person.email) AS email,
  COALESCE(form.phone, person.phone) AS phone{{ attributes }}
FROM {{ who }}
LEFT JOIN clicked_by_lead AS by_lead ON by_lead.id = form.id
LEFT JOIN clicked_by_person AS by_person ON by_person.id = COALESCE(person.id, form.owner_id)
LEFT JOIN known_as AS known ON known.id = COALESCE(person.id, form.owner_id)
WHERE COALESCE(form.first_created, person.first_created) IS NOT NULL
