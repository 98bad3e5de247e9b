CREATE OR REPLACE TABLE {{ table }} AS
{{ rows }}
