DELETE FROM {{ table }} AS entry
WHERE
  CONCAT(entry.destination, '\x1f', entry.account, '\x1f', entry.conversion, '\x1f', entry.conversion_id) IN UNNEST(@keys)
