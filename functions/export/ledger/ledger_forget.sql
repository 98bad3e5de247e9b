-- What a platform knew people by: those who left long enough ago for the platform to have refused it
-- if it would, those of whom nothing can be taken back any more, and those who asked to be forgotten.
DELETE FROM {{ members }} AS member
WHERE
  member.destination = @destination
  AND member.account = @account
  AND member.conversion = @conversion
  AND (
    member.recorded_at < @kept_since
    OR member.conversion_id IN (
      WITH
      {{ delivery_state }}
      SELECT delivery_state.conversion_id
      FROM delivery_state
      WHERE
        delivery_state.erased_at < @erased_before
        OR (
          delivery_state.held_op = 'retract'
          AND delivery_state.state = 'accepted'
          AND delivery_state.held_at < @left_before
        )
    )
  )
