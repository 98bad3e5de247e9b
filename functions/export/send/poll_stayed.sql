-- The platform knows people by these identifiers after all: it refused the request that took them out.
UPDATE {{ members }} AS member
SET left_by = NULL
WHERE
  member.destination = @destination
  AND member.account = @account
  AND member.conversion = @conversion
  AND member.left_by = @request_id
