-- Ask again for every conversion of some days, once for each request.
INSERT INTO {{ attempts }} (
  date, happened_at, recorded_at, destination, account, conversion, conversion_id, conversion_date,
  dedup_key, run_id, fence, seq, state, reason, destination_version, payload_version
)
SELECT
  DATE(@now),
  @now,
  CURRENT_TIMESTAMP(),
  @destination,
  @account,
  @conversion,
  conversion.id,
  conversion.date,
  -- the key of reconcile/delivery_state.py: dedup_key
  CONCAT('c', SUBSTR(TO_HEX(SHA256(CONCAT(@conversion, '\x1f', conversion.id))), 1, 31)),
  @run_id,
  @fence,
  0,
  @state,
  'replay',
  @version,
  @payload_version
FROM {{ conversions }} AS conversion
WHERE
  conversion.date BETWEEN @start_date AND @end_date
  AND NOT EXISTS (
    SELECT 1 FROM {{ attempts }} AS known
    WHERE
      known.destination = @destination
      AND known.conversion = @conversion
      AND known.run_id = @run_id
  )
