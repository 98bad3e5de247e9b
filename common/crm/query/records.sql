{{ tables }},
{{ folding }},
people AS (
  -- whoever is left of a chain of merges: the earliest creation, the first known identifiers
  SELECT
    COALESCE(folded.kept, person.id) AS id,
    MIN(person.created) AS created,
    {{ first_of_person }},
    LOGICAL_OR(folded.kept IS NULL AND NOT person.deleted) AS is_there
  FROM person
  LEFT JOIN person_folded AS folded ON folded.gone = person.id
  GROUP BY 1
),
entries AS (
  SELECT
    COALESCE(folded.kept, entry.id) AS id,
    MIN(entry.created) AS created,
    {{ first_of_entry }},
    LOGICAL_OR(folded.kept IS NULL AND NOT entry.deleted) AS is_there
  FROM entry
  LEFT JOIN entry_folded AS folded ON folded.gone = entry.id
  GROUP BY 1
),
known_as AS (
  -- what the site calls a person, where the CRM says it
  SELECT tied.id, MIN(tied.user_id) AS user_id
  FROM (
    SELECT whole.id, whole.user_id
    FROM people AS whole
    UNION ALL
    SELECT COALESCE(folded.kept, entry.person_id) AS id, entry.user_id
    FROM entry
    LEFT JOIN person_folded AS folded ON folded.gone = entry.person_id
  ) AS tied
  WHERE tied.id IS NOT NULL AND tied.user_id IS NOT NULL
  GROUP BY tied.id
),
named AS (
  -- the entry that names a deal
  SELECT COALESCE(twin.kept, entry.deal_id) AS deal_id, MIN(COALESCE(kept.kept, entry.id)) AS lead_id
  FROM entry
  LEFT JOIN entry_folded AS kept ON kept.gone = entry.id
  LEFT JOIN deal_folded AS twin ON twin.gone = entry.deal_id
  WHERE entry.deal_id IS NOT NULL AND (NOT entry.deleted OR kept.kept IS NOT NULL)
  GROUP BY 1
),
deals AS (
  SELECT
    deal.* EXCEPT (lead_id),
    COALESCE(folded.kept, deal.lead_id, named.lead_id) AS lead_id
  FROM deal
  LEFT JOIN entry_folded AS folded ON folded.gone = deal.lead_id
  LEFT JOIN named ON named.deal_id = deal.id
  LEFT JOIN deal_folded AS twin ON twin.gone = deal.id
  WHERE NOT deal.deleted AND deal.created IS NOT NULL AND twin.gone IS NULL
),
deal_people AS (
  SELECT DISTINCT tied.deal_id, COALESCE(folded.kept, tied.person_id) AS person_id
  FROM (
    SELECT COALESCE(twin.kept, link.deal_id) AS deal_id, link.person_id
    FROM link
    LEFT JOIN deal_folded AS twin ON twin.gone = link.deal_id
    WHERE NOT link.deleted
    UNION ALL
    SELECT deal.id AS deal_id, deal.person_id FROM deal WHERE NOT deal.deleted
  ) AS tied
  LEFT JOIN person_folded AS folded ON folded.gone = tied.person_id
  WHERE tied.person_id IS NOT NULL
)
