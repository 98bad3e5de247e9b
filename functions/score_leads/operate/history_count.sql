SELECT COUNT(*) AS leads FROM {{ leads }} AS lead
