CREATE OR REPLACE VIEW {{ overview }} AS
SELECT definition_id, {{ columns }}
FROM (
{{ rows }}
)
