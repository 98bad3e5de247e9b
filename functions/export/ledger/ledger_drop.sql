-- Identifiers that a platform no longer knows these conversions by; nothing, when another run holds the
-- lease by now: it may have sent them anew.
DELETE FROM {{ members }} AS member
WHERE
  {{ gone }}
