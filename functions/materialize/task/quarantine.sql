-- A row stays as long as its window, and a message may come again: what is there already is not repeated.
INSERT INTO {{ quarantine }} (date, recorded_at, conversion, run_id, id, reason, row_text)
SELECT
  DATE(@now), @now, @conversion, @run_id, judged.id, judged.reason, judged.row_text
FROM (
  SELECT
    c.id,
    {{ reason }} AS reason,
    TO_JSON_STRING(STRUCT(
      c.id AS id, c.client_id AS client_id, c.created AS created, c.value_gross AS value, c.currency AS currency,
      c.lead_id AS lead_id
    )) AS row_text
  FROM {{ candidates }} AS c
  WHERE
    {{ spared }}
) AS judged
LEFT JOIN (
  SELECT DISTINCT there.reason, there.row_text
  FROM {{ quarantine }} AS there
  WHERE there.conversion = @conversion AND there.date >= DATE_SUB(DATE(@now), INTERVAL {{ days }} DAY)
) AS known ON known.reason = judged.reason AND known.row_text = judged.row_text
WHERE judged.reason IS NOT NULL AND judged.reason <> 'outside_window' AND known.row_text IS NULL
