-- How many client ids GA4 saw before the conversion, and in which wrong formats the others come.
WITH
visitors AS (
  SELECT visit.client_id, MIN(visit.first_seen) AS first_seen
  FROM (
    {{ visits }}
  ) AS visit
  GROUP BY 1
),
clients AS (
  SELECT TRIM(answer.client_id) AS client_id, {{ moment }} AS created
  FROM {{ answer }} AS answer
  WHERE TRIM(answer.client_id) != ''
),
matched AS (
  SELECT
    clients.client_id,
    -- of a moment that nobody can read, nothing is held against the id
    visitors.client_id IS NOT NULL AND IFNULL(visitors.first_seen <= clients.created, TRUE) AS is_known_before,
    visitors.client_id IS NOT NULL AS is_known
  FROM clients
  LEFT JOIN visitors ON visitors.client_id = clients.client_id
)
SELECT
  COUNT(*) AS total,
  COUNTIF(matched.is_known) AS known,
  COUNTIF(matched.is_known_before) AS known_before,
  COUNTIF(REGEXP_CONTAINS(matched.client_id, r'^GA\d+[.]\d+[.]')) AS with_cookie_prefix,
  COUNTIF(REGEXP_CONTAINS(matched.client_id, r'^GS\d+[.]\d+[.]')) AS session_cookies,
  COUNTIF(REGEXP_CONTAINS(matched.client_id, r'[^@ ]@[^@ ]+[.]')) AS addresses,
  COUNTIF(LOWER(matched.client_id) IN UNNEST(@nobody)) AS placeholders,
  COUNTIF(REGEXP_CONTAINS(matched.client_id, r'^\d([.,]\d+)?[eE][+]\d+$')) AS scientific,
  COUNTIF(NOT matched.is_known AND REGEXP_CONTAINS(matched.client_id, r'^\d+$')) AS without_dot,
  COUNTIF(NOT matched.is_known AND REGEXP_CONTAINS(matched.client_id, r'^\d+[.]\d+$')) AS well_formed_unknown
FROM matched
