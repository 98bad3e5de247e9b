{{ row }}.id NOT IN (
      SELECT named.id
      FROM {{ rows }} AS named
      CROSS JOIN UNNEST(ARRAY_CONCAT(
        [named.page_location], ARRAY(SELECT parameter.value FROM UNNEST(named.params) AS parameter)
      )) AS text
      CROSS JOIN UNNEST({{ words }}) AS word
      WHERE named.id IS NOT NULL AND (word = text OR LENGTH(word) >= {{ shortest }}) AND NOT (
    {{ spared }}
      )
    )
