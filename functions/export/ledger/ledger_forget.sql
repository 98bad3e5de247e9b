-- People who left long enough ago for the platform to have refused it if it would.
DELETE FROM {{ members }} AS member
WHERE
  member.destination = @destination
  AND member.account = @account
  AND member.conversion = @conversion
  AND member.conversion_id IN (
    WITH
    {{ delivery_state }}
    SELECT delivery_state.conversion_id
    FROM delivery_state
    WHERE
      delivery_state.held_op = 'retract'
      AND delivery_state.state = 'accepted'
      AND delivery_state.held_at < @before
  )
