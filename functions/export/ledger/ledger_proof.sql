days AS (
  -- the newest finished run of the table over each day
  SELECT day, run.status, run.rows_read, run.recorded_at
  FROM {{ runs }} AS run
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(run.start_date, run.end_date)) AS day
  WHERE
    run.conversion = @conversion
    AND run.status IN UNNEST(@finished)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY day ORDER BY run.recorded_at DESC) = 1
),
healthy AS (
  -- only a run that read rows proves that one of them is gone
  SELECT days.day, days.recorded_at
  FROM days
  WHERE days.status IN UNNEST(@done) AND COALESCE(days.rows_read, 1) > 0
),
departed AS (
  -- when it was certain of a conversion, if it is missing, that it is gone: by a run since it was
  -- sent, or because its person was erased
  SELECT known.conversion_id, known.proved_at
  FROM (
    SELECT
      delivery_state.conversion_id,
      GREATEST(
        COALESCE(healthy.recorded_at, delivery_state.erased_at),
        COALESCE(delivery_state.erased_at, healthy.recorded_at)
      ) AS proved_at,
      -- what was taken back already and is in doubt again was proved then
      IF(
        delivery_state.held_op = 'retract' AND delivery_state.in_doubt_op = 'retract',
        NULL,
        COALESCE(delivery_state.held_at, delivery_state.in_doubt_at)
      ) AS sent_at
    FROM delivery_state
    LEFT JOIN healthy ON healthy.day = delivery_state.conversion_date
  ) AS known
  WHERE known.proved_at > COALESCE(known.sent_at, TIMESTAMP '1970-01-01 00:00:00+00')
)
