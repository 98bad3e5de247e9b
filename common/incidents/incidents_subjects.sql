SELECT DISTINCT COALESCE(present.conversion, '') AS subject
FROM (
{{ current }}
) AS present
WHERE present.state <> @resolved AND present.source = @source
