{{ row }}.id NOT IN (
      SELECT named.id
      FROM {{ rows }} AS named
      CROSS JOIN UNNEST(named.params) AS parameter
      WHERE named.id IS NOT NULL AND NOT (
    {{ spared }}
      )
    )
