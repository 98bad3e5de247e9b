CREATE OR REPLACE VIEW {{ overview }} AS
{{ rows }}
