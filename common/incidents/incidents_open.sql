SELECT present.*
FROM (
{{ current }}
) AS present
WHERE present.state <> @resolved
