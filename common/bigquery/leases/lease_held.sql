SELECT IF(
  (SELECT MAX(leases.fence) FROM {{ leases }} AS leases WHERE leases.name = @lease) = @fence, TRUE, ERROR('The lease is not held.')
) AS is_held
