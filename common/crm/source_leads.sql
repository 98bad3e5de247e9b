-- One row a lead: {{ comment }}. What only a deal knows of who clicked counts for its lead.
WITH RECURSIVE {{ records }},
clicked AS (
  SELECT tied.id, MIN(tied.client_id) AS client_id, MIN(tied.gclid) AS gclid, MIN(tied.fbclid) AS fbclid
  FROM (
    SELECT link.person_id AS id, deal.client_id, deal.gclid, deal.fbclid
    FROM deals AS deal
    INNER JOIN deal_people AS link ON link.deal_id = deal.id
    UNION ALL
    SELECT deal.lead_id, deal.client_id, deal.gclid, deal.fbclid
    FROM deals AS deal
    WHERE deal.lead_id IS NOT NULL
  ) AS tied
  GROUP BY tied.id
),
forms AS (
  SELECT
    entry.*,
    COALESCE(folded.kept, entry.person_id) AS owner_id,
    whole.created AS first_created,
    whole.client_id AS first_client_id,
    whole.gclid AS first_gclid,
    whole.fbclid AS first_fbclid,
    whole.user_id AS first_user_id
  FROM entry
  INNER JOIN entries AS whole ON whole.id = entry.id
  LEFT JOIN person_folded AS folded ON folded.gone = entry.person_id
  WHERE whole.is_there
),
contacts AS (
  SELECT
    person.*,
    whole.created AS first_created,
    whole.client_id AS first_client_id,
    whole.gclid AS first_gclid,
    whole.fbclid AS first_fbclid
  FROM person
  INNER JOIN people AS whole ON whole.id = person.id
  WHERE whole.is_there
)
SELECT
  COALESCE(form.id, person.id) AS lead_id,
  COALESCE(form.first_client_id, person.first_client_id, by_lead.client_id, by_person.client_id) AS client_id,
  COALESCE(form.first_created, person.first_created) AS created,
  COALESCE(known.user_id, form.first_user_id, person.id, form.owner_id, form.id) AS user_id,
  COALESCE(form.first_gclid, person.first_gclid, by_lead.gclid, by_person.gclid) AS gclid,
  COALESCE(form.first_fbclid, person.first_fbclid, by_lead.fbclid, by_person.fbclid) AS fbclid,
  COALESCE(form.email, person.email) AS email,
  COALESCE(form.phone, person.phone) AS phone{{ attributes }}
FROM {{ who }}
LEFT JOIN clicked AS by_lead ON by_lead.id = form.id
LEFT JOIN clicked AS by_person ON by_person.id = COALESCE(person.id, form.owner_id)
LEFT JOIN known_as AS known ON known.id = COALESCE(person.id, form.owner_id)
WHERE COALESCE(form.first_created, person.first_created) IS NOT NULL
