-- Entries as the server dates them; none when another run holds the lease by now.
INSERT INTO {{ attempts }} (
  date, happened_at, recorded_at, destination, account, conversion, conversion_id, conversion_date,
  dedup_key, run_id, fence, seq, op, state, reason, row_hash, destination_version,
  payload_version, fingerprint, value, currency, event_time, identity, request_id
)
SELECT
  CAST(JSON_VALUE(entry, '$.date') AS DATE),
  CAST(JSON_VALUE(entry, '$.happened_at') AS TIMESTAMP),
  -- clocks of workers differ, and this one orders the entries of all of them
  CURRENT_TIMESTAMP(),
  JSON_VALUE(entry, '$.destination'),
  JSON_VALUE(entry, '$.account'),
  JSON_VALUE(entry, '$.conversion'),
  JSON_VALUE(entry, '$.conversion_id'),
  CAST(JSON_VALUE(entry, '$.conversion_date') AS DATE),
  JSON_VALUE(entry, '$.dedup_key'),
  JSON_VALUE(entry, '$.run_id'),
  CAST(JSON_VALUE(entry, '$.fence') AS INT64),
  CAST(JSON_VALUE(entry, '$.seq') AS INT64),
  JSON_VALUE(entry, '$.op'),
  JSON_VALUE(entry, '$.state'),
  JSON_VALUE(entry, '$.reason'),
  CAST(JSON_VALUE(entry, '$.row_hash') AS INT64),
  CAST(JSON_VALUE(entry, '$.destination_version') AS INT64),
  CAST(JSON_VALUE(entry, '$.payload_version') AS INT64),
  JSON_VALUE(entry, '$.fingerprint'),
  CAST(JSON_VALUE(entry, '$.value') AS FLOAT64),
  JSON_VALUE(entry, '$.currency'),
  CAST(JSON_VALUE(entry, '$.event_time') AS TIMESTAMP),
  JSON_VALUE(entry, '$.identity'),
  JSON_VALUE(entry, '$.request_id')
FROM UNNEST(@entries) AS entry
WHERE
  @lease = ''
  OR @fence = (SELECT MAX(lease.fence) FROM {{ leases }} AS lease WHERE lease.name = @lease)
