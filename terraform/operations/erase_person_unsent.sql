-- Forgets the person's addresses that a run noted for a platform and was ended before it sent any:
-- no delivery names them, so that no platform has them and nothing will ever take them back.
DELETE FROM {{ members }} AS noted
WHERE
  noted.conversion = @conversion
  AND (
    noted.conversion_id IN (SELECT held.id FROM {{ conversions }} AS held WHERE {{ in_table }})
    OR noted.conversion_id IN (
      SELECT held.id
      FROM {{ changes }} AS held
      WHERE held.definition_id = @conversion AND ({{ in_changes }})
    )
  )
  AND NOT EXISTS (
    SELECT 1 FROM {{ attempts }} AS sent
    WHERE
      sent.destination = noted.destination
      AND sent.account = noted.account
      AND sent.conversion = noted.conversion
      AND sent.conversion_id = noted.conversion_id
  )
