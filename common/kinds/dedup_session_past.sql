UNION DISTINCT
      SELECT past.session_id FROM past