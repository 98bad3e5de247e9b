{{ row }}.id NOT IN (
      SELECT named.id
      FROM {{ rows }} AS named
      -- while nobody was erased no text is looked at
      JOIN (SELECT COUNT(*) AS hashes FROM {{ erasures }}) AS forgotten ON forgotten.hashes > 0
      CROSS JOIN UNNEST(ARRAY_CONCAT(
        [STRUCT('page' AS key, named.page_location AS text)],
        ARRAY(
          SELECT AS STRUCT parameter.key, parameter.value AS text
          FROM UNNEST(named.params) AS parameter
        )
      )) AS told
      CROSS JOIN UNNEST(ARRAY_CONCAT([told.text], {{ words }})) AS word
      WHERE named.id IS NOT NULL AND {{ is_named }} AND NOT (
    {{ spared }}
      )
    )
