-- What surely left the list by this request is forgotten.
DELETE FROM {{ members }} AS member
WHERE
  member.destination = @destination
  AND member.account = @account
  AND member.conversion = @conversion
  AND member.left_by = @request_id
