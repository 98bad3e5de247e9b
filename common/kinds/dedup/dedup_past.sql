UNION DISTINCT
      SELECT past.{{ key }} FROM past
