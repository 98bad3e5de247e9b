-- A page of the ledger, each entry with what became of its request afterwards.
WITH
later AS (
  SELECT request.request_id, request.row_count, request.counts
  FROM {{ requests }} AS request
  WHERE request.destination = @destination AND request.counts IS NOT NULL
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY request.request_id ORDER BY request.polls DESC, request.recorded_at DESC
    ) = 1
),
entry AS (
  SELECT
    attempt.*,
    -- tells apart what was recorded in one moment, in the order of the ledger
    CONCAT(
      LPAD(CAST(attempt.fence AS STRING), 20, '0'), ' ', LPAD(CAST(attempt.seq AS STRING), 20, '0'),
      ' ', attempt.account, ' ', attempt.conversion, ' ', attempt.conversion_id
    ) AS place
  FROM {{ attempts }} AS attempt
  WHERE
    attempt.destination = @destination
    AND (@conversion = '' OR attempt.conversion = @conversion)
    AND (@state = '' OR attempt.state = @state)
    AND (@conversion_id = '' OR attempt.conversion_id = @conversion_id)
    AND (
      @search = ''
      OR STRPOS(
        LOWER(
          CONCAT(
            attempt.conversion_id, ' ', attempt.dedup_key, ' ', COALESCE(attempt.request_id, ''), ' ',
            COALESCE(attempt.reason, ''), ' ', attempt.run_id
          )
        ),
        LOWER(@search)
      ) > 0
    )
)
SELECT
  entry.recorded_at, entry.happened_at, entry.conversion, entry.conversion_id, entry.account,
  entry.dedup_key, entry.op, entry.state, entry.reason, entry.value, entry.currency,
  entry.event_time, entry.request_id, entry.run_id, entry.fingerprint, entry.place,
  later.row_count AS request_rows, later.counts AS refused_later
FROM entry
LEFT JOIN later ON later.request_id = entry.request_id
WHERE
  @last IS NULL
  OR entry.recorded_at {{ beyond }} @last
  OR (entry.recorded_at = @last AND entry.place {{ beyond }} @last_place)
ORDER BY entry.recorded_at {{ direction }}, entry.place {{ direction }}
LIMIT @limit
