ARRAY_CONCAT(
            [{{ page }}],
            ARRAY(SELECT parameter.text FROM UNNEST({{ row }}.event_params) AS parameter),
            ARRAY(SELECT parameter.text FROM UNNEST({{ row }}.user_properties) AS parameter)
          )
