-- The newest champion; a row with the same model promoted again counts as newest, for a roll-back.
SELECT model.model_id, model.trained_at, model.definition_version, model.versions, model.sha256, model.artifact, model.card
FROM {{ models }} AS model
WHERE model.conversion = @conversion AND model.status = 'champion'
ORDER BY model.recorded_at DESC
LIMIT 1
