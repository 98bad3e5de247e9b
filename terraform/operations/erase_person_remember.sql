-- The hashes that runs compare with: nothing else of the person is kept.
INSERT INTO {{ erasures }} (subject_hash, requested_at)
SELECT DISTINCT
  IF(REGEXP_CONTAINS(id, r'^[0-9a-f]{64}$'), id, TO_HEX(SHA256(id))) AS subject_hash,
  @now AS requested_at
FROM UNNEST(@ids) AS id
WHERE
  IF(REGEXP_CONTAINS(id, r'^[0-9a-f]{64}$'), id, TO_HEX(SHA256(id))) NOT IN (
    SELECT erased.subject_hash FROM {{ erasures }} AS erased
  )
