-- People who left long enough ago for the platform to have refused it if it would.
DELETE FROM {{ members }} AS member
WHERE
  member.destination = @destination
  AND member.account = @account
  AND member.conversion = @conversion
  AND member.conversion_id IN (
    WITH
    {{ standing }}
    SELECT standing.conversion_id
    FROM standing
    WHERE
      standing.held_op = 'retract'
      AND standing.state = 'accepted'
      AND standing.held_at < @before
  )
