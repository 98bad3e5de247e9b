
  -- a writer that lost its lease while it waited changes nothing
  WHERE (SELECT MAX(leases.fence) FROM {{ leases }} AS leases WHERE leases.name = @lease) = @fence
