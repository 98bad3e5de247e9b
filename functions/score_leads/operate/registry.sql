-- The newest champion; a row with the same model promoted again counts as newest, for a roll-back. The
-- run of a past day takes the newest model of that time, never one that has seen what came later.
SELECT model.model_id, model.trained_at, model.definition_version, model.versions, model.sha256, model.artifact, model.card
FROM {{ models }} AS model
WHERE model.conversion = @conversion
  AND model.trained_at <= @as_of
  AND (model.status = 'champion' OR (@is_past AND model.status = 'of_past_day'))
ORDER BY IF(@is_past, model.trained_at, model.recorded_at) DESC, model.recorded_at DESC
LIMIT 1
