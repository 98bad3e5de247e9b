INSERT INTO {{ quarantine }} (date, recorded_at, conversion, run_id, id, reason, row_text)
SELECT
  DATE(@now), @now, @conversion, @run_id, judged.id, judged.reason, judged.row_text
FROM (
  SELECT
    c.id,
    {{ reason }} AS reason,
    TO_JSON_STRING(STRUCT(
      c.id AS id, c.client_id AS client_id, c.created AS created, c.value_gross AS value, c.currency AS currency,
      c.lead_id AS lead_id, @fence AS fence
    )) AS row_text
  FROM {{ candidates }} AS c
  WHERE
    {{ spared }}
) AS judged
WHERE judged.reason IS NOT NULL AND judged.reason <> 'outside_window'
