  -- each row with what its lead knows and it does not
  SELECT previous.* REPLACE (
    {{ replaced }}
  )
  FROM answered AS previous
  -- a row cannot inherit from a lead that came after it
  LEFT JOIN {{ parent }} AS lead
    ON lead.id = previous.lead_id
    AND lead.created <= previous.created
    -- nor, after two years, from one that nobody remembers
    AND lead.date BETWEEN DATE_SUB(@start_date, INTERVAL 731 DAY) AND @end_date
