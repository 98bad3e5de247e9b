(
    SELECT
      CAST(NULL AS STRING) AS client_id,
      CAST(NULL AS DATE) AS date,
      CAST(NULL AS TIMESTAMP) AS started_at,
      CAST(NULL AS STRING) AS session_id,
      CAST(NULL AS STRING) AS landing_page,
      CAST(NULL AS STRING) AS source,
      CAST(NULL AS STRING) AS medium,
      CAST(NULL AS STRING) AS campaign,
      CAST(NULL AS STRING) AS channel_group
    FROM (SELECT 1)
    WHERE FALSE
  )
