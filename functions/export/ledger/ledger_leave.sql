-- Which accepted request took identifiers out that the platform knew these conversions by: it may refuse
-- that request later. Nothing, when another run holds the lease by now: it may have sent them anew.
UPDATE {{ members }} AS member
SET
  left_by = (
    SELECT MAX(JSON_VALUE(pair, '$[2]')) FROM UNNEST(@gone) AS pair
    WHERE
      JSON_VALUE(pair, '$[0]') = member.conversion_id
      AND JSON_VALUE(pair, '$[1]') = member.identifiers
  )
WHERE
  {{ gone }}
