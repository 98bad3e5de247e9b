-- Which accepted request took identifiers out that the platform knew these conversions by: it may refuse
-- that request later. Nothing, when another run holds the lease by now: it may have sent them anew.
UPDATE {{ members }} AS member
SET
  left_by = (
    SELECT MAX(JSON_VALUE(gone, '$[2]')) FROM UNNEST(@departed) AS gone
    WHERE
      JSON_VALUE(gone, '$[0]') = member.conversion_id
      AND JSON_VALUE(gone, '$[1]') = member.identifiers
  )
WHERE
  member.destination = @destination
  AND member.account = @account
  AND member.conversion = @conversion
  AND @fence = (SELECT MAX(lease.fence) FROM {{ leases }} AS lease WHERE lease.name = @lease)
  AND EXISTS (
    SELECT 1 FROM UNNEST(@departed) AS gone
    WHERE
      JSON_VALUE(gone, '$[0]') = member.conversion_id
      AND JSON_VALUE(gone, '$[1]') = member.identifiers
  )
