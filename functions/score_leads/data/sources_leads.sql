-- The leads as they are now, one row each, in one shape whatever they came from.
CREATE OR REPLACE TABLE {{ target }} AS
SELECT
  lead.id,
  DATE(lead.created, @timezone) AS date,
  lead.created,
  lead.client_id,
  lead.user_id,
  {{ clicks }},
  IF(
    REGEXP_CONTAINS(lead.email, r'^[0-9a-f]{64}$'),
    lead.email,
    IF(REGEXP_CONTAINS(lead.email, r'^[^@\s]+@[^@\s]+$'), TO_HEX(SHA256(lead.email)), NULL)
  ) AS email,
  IF(REGEXP_CONTAINS(lead.phone, r'^\+[0-9]{8,15}$'), TO_HEX(SHA256(lead.phone)), NULL) AS phone,
  -- missing attributes are left out: a CRM has hundreds of columns, most of them empty
  REGEXP_REPLACE(
    REGEXP_REPLACE(lead.attributes, r',"[^"\\]+":null', ''),
    -- a brace goes before the first: a text may begin with :null, as well
    r'\{"[^"\\]+":null,', '{'
  ) AS attributes
FROM (
  SELECT
    {{ columns }},
    {{ attributes }} AS attributes
  FROM {{ leads }} AS given
  WHERE {{ passes }}
) AS lead
WHERE lead.id IS NOT NULL
  AND lead.created IS NOT NULL
  AND DATE(lead.created, @timezone) BETWEEN @start_date AND @end_date
  AND {{ spared }}
QUALIFY ROW_NUMBER() OVER (PARTITION BY lead.id ORDER BY lead.created, lead.attributes, lead.client_id, lead.user_id, lead.email, lead.phone) = 1
