SELECT answer.*
FROM {{ answer }} AS answer
LIMIT 20
