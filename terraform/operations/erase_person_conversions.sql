-- Whether a delivery is of one of the person's conversions, as the table has them now or had them once.
delivery.conversion_id IN (SELECT held.id FROM {{ conversions }} AS held WHERE {{ in_table }})
OR delivery.conversion_id IN (
  SELECT held.id
  FROM {{ changes }} AS held
  WHERE held.definition_id = @conversion AND ({{ in_changes }})
)
