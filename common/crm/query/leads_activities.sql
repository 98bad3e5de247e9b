-- what sales does later follows from how well the lead looks, and is none of its attributes
(
    SELECT COUNT(*)
    FROM UNNEST(ARRAY_CONCAT(
      IFNULL(with_lead.moments, []), IFNULL(with_person.moments, [])
    )) AS moment
    WHERE moment <= TIMESTAMP_ADD(
      COALESCE(form.first_created, person.first_created), INTERVAL 1 DAY
    )
  ) AS {{ attribute }}
