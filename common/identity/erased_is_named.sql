(
        LENGTH({{ word }}) >= {{ shortest }}
        OR ({{ word }} = {{ text }} AND REGEXP_CONTAINS({{ key }}, r'{{ names_a_person }}'))
      )
