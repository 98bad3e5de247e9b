OR (
      target.date > @end_date
      AND target.click_key IN (SELECT fresh.click_key FROM fresh WHERE fresh.date > @end_date)
    )
