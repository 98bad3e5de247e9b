  SELECT
    chosen.id,
    {{ columns }}
  FROM (
    SELECT dated.id, dated.kind, dated.value, dated.clicked_at, dated.platform
    FROM (
      SELECT
        sight.id,
        sight.created,
        sight.kind,
        sight.value,
        {{ platform }} AS platform,
        {{ days }} AS days,
        MIN(sight.clicked_at) AS clicked_at
      FROM (
        SELECT {{ visitors }}.id, {{ visitors }}.created, click.kind, click.value, click.clicked_at
        FROM {{ visitors }}
        INNER JOIN {{ known }} AS click ON click.client_id = {{ visitors }}.client_id
        WHERE
          click.date BETWEEN DATE_SUB(@earliest_date, INTERVAL {{ longest }} DAY) AND @end_date
          {{ of_run }}AND click.kind IN ({{ taken }})
          AND click.clicked_at <= {{ visitors }}.created
      ) AS sight
      GROUP BY sight.id, sight.created, sight.kind, sight.value
    ) AS dated
    WHERE UNIX_MICROS(dated.created) - UNIX_MICROS(dated.clicked_at) < dated.days * 86400000000
    QUALIFY RANK() OVER (PARTITION BY dated.id, dated.platform ORDER BY dated.clicked_at DESC) = 1
  ) AS chosen
  GROUP BY chosen.id
