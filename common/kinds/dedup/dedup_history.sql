UNION DISTINCT
      -- orders older than the stage, or than the conversion's own first day: of them only the id is known
      SELECT {{ id }}
      FROM {{ orders }} AS memory
      WHERE memory.date < @start_date AND (memory.is_history OR memory.date < @begins) {{ days }}
