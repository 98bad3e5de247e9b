member.destination = @destination
AND member.account = @account
AND member.conversion = @conversion
AND @fence = (SELECT MAX(lease.fence) FROM {{ leases }} AS lease WHERE lease.name = @lease)
AND EXISTS (
  SELECT 1 FROM UNNEST(@gone) AS pair
  WHERE
    JSON_VALUE(pair, '$[0]') = member.conversion_id
    AND JSON_VALUE(pair, '$[1]') = member.identifiers
)
