-- Identifiers that a platform no longer knows these conversions by; nothing, when another run holds the
-- lease by now: it may have sent them anew.
DELETE FROM {{ members }} AS member
WHERE
  member.destination = @destination
  AND member.account = @account
  AND member.conversion = @conversion
  AND @fence = (SELECT MAX(lease.fence) FROM {{ leases }} AS lease WHERE lease.name = @lease)
  AND EXISTS (
    SELECT 1 FROM UNNEST(@dropped) AS pair
    WHERE
      JSON_VALUE(pair, '$[0]') = member.conversion_id
      AND JSON_VALUE(pair, '$[1]') = member.identifiers
  )
