-- Attributes are kept as they were when a lead was first seen; a lead that is known stays untouched.
INSERT INTO {{ features }} (
  date, conversion, id, created, first_seen_at, run_id,
  client_id, user_id, {{ clicks }}, email, phone, attributes
)
SELECT
  lead.date, @conversion, lead.id, lead.created, @first_seen_at, @run_id,
  lead.client_id, lead.user_id, {{ of_lead }}, lead.email, lead.phone, lead.attributes
FROM {{ leads }} AS lead
LEFT JOIN (
  SELECT DISTINCT feature.id
  FROM {{ features }} AS feature
  WHERE feature.conversion = @conversion
) AS known ON known.id = lead.id
WHERE known.id IS NULL AND lead.date BETWEEN @start_date AND @end_date
