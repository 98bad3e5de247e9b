-- Why candidates with these ids do not count; of several reasons the same one each time.
SELECT judged.id, MIN(COALESCE(judged.removed, judged.reason)) AS outcome
FROM (
  SELECT c.id, c.removed, {{ reason }} AS reason
  FROM {{ candidates }} AS c
) AS judged
WHERE judged.id IN UNNEST({{ ids }}) AND COALESCE(judged.removed, judged.reason) IS NOT NULL
GROUP BY judged.id
