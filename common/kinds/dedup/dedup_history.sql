UNION DISTINCT
      -- orders older than the stage: of them only the id is known
      SELECT memory.purchase_id
      FROM {{ orders }} AS memory
      WHERE memory.is_history AND memory.date < @start_date
