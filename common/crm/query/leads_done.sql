done AS (
  -- an activity with a lead counts for it alone, also where its person is named
  SELECT tied.id, ARRAY_AGG(tied.created) AS moments
  FROM (
    -- once for a person, of whose merged records several may be named
    SELECT DISTINCT
      COALESCE(
        entries.kept, activity.entry_id, people.kept, activity.person_id, link.person_id
      ) AS id,
      activity.id AS activity_id,
      activity.created
    FROM activity
    LEFT JOIN activity_link AS link ON link.activity_id = activity.id AND NOT link.deleted
    LEFT JOIN entry_folded AS entries ON entries.gone = activity.entry_id
    LEFT JOIN person_folded AS people
      ON people.gone = COALESCE(activity.person_id, link.person_id)
    WHERE NOT activity.deleted AND activity.created IS NOT NULL
  ) AS tied
  WHERE tied.id IS NOT NULL
  GROUP BY tied.id
)
