-- The newest rows that differ.
SELECT
  paired.id, paired.created, paired.live_created, paired.change, paired.live_value,
  paired.draft_value, paired.live_currency, paired.draft_currency, paired.live_qualified,
  paired.draft_qualified
FROM (
  {{ paired }}
) AS paired
WHERE paired.change <> 'same'
ORDER BY paired.created DESC, paired.id
LIMIT {{ limit }}
