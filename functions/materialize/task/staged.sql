CREATE OR REPLACE TABLE {{ staged }} AS
{{ rows }}
