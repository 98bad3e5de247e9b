SELECT
  counted.*,
  ARRAY(
    SELECT AS STRUCT judged.removed, judged.reason, COUNT(*) AS rows_
    FROM (
      SELECT
        c.removed,
        {{ reason }} AS reason
      FROM {{ candidates }} AS c
    ) AS judged
    GROUP BY judged.removed, judged.reason
  ) AS judged
FROM (
{{ counting }}
) AS counted
