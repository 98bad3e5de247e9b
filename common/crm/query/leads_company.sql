LEFT JOIN company
  ON company.id = COALESCE(form.company_id, person.company_id)
  AND NOT company.deleted
  -- a company that the CRM heard of later says nothing of a new lead
  AND COALESCE(
    company.created <= TIMESTAMP_ADD(
      COALESCE(form.first_created, person.first_created), INTERVAL 1 DAY
    ),
    TRUE
  )
