SELECT
  model.model_id, model.trained_at, model.definition_version, model.reason, model.card
FROM {{ models }} AS model
WHERE model.conversion = @conversion AND model.status = 'champion'
ORDER BY model.trained_at DESC, model.recorded_at DESC
LIMIT 1
