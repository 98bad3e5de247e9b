-- Forgets the person's addresses that a run noted for a platform and was ended before it sent any:
-- no delivery names them, so that no platform has them and nothing will ever take them back.
DELETE FROM {{ members }} AS delivery
WHERE
  delivery.conversion = @conversion
  AND (
    {{ of_person }}
  )
  AND NOT EXISTS (
    SELECT 1 FROM {{ attempts }} AS sent
    WHERE
      sent.destination = delivery.destination
      AND sent.account = delivery.account
      AND sent.conversion = delivery.conversion
      AND sent.conversion_id = delivery.conversion_id
  )
