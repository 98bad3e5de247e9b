"""BigQuery's complaints turned into what to write."""

from __future__ import annotations

import pytest

from common.local.analyzer import analysis
from common.local.analyzer.service import Rejected
from functions.validate_sql.engine.advice import advice
from functions.validate_sql.engine.signatures import MADE

# Wordings of BigQuery's analyzer, as it sends them.
SAID = {
    "Unrecognized name: order_idd; Did you mean order_id?": "Write order_id",
    "Unrecognized name: clientid": "Write client_id",
    "Unrecognized name: zebra": "no column zebra",
    "SELECT list expression references column total which is neither grouped nor aggregated": (
        "ANY_VALUE(total)"
    ),
    "Column name id is ambiguous": "o.id",
    "Cannot access field value on a value with type ARRAY<STRUCT<key STRING>>": "UNNEST",
    "No matching signature for operator = for argument types: STRING, INT64": "AS INT64) = b",
    "No matching signature for operator >= for argument types: STRING, DATE": "FORMAT_DATE(",
    "No matching signature for operator BETWEEN\n  Argument types: STRING, DATE": "FORMAT_DATE(",
    "Field name order_idd does not exist": "Write order_id",
    "Field name value does not exist": "Check the path to value",
    "No matching signature for aggregate function SUM for argument types: STRING": "SUM(SAFE_CAST",
    "Aggregate function COUNT not allowed in WHERE clause": "HAVING",
    "Analytic function not allowed in WHERE clause": "QUALIFY",
    "Values referenced in UNNEST must be arrays. UNNEST contains expression of type STRUCT": (
        "REPEATED"
    ),
    "Queries in UNION ALL have mismatched column count; query 1 has 2 columns": "CAST(NULL",
    'Syntax error: Expected ")" but got identifier "x"': "comma",
    "Operands of = cannot be literal NULL": "a IS NULL",
    "Something that nobody has seen": "send the query again",
}


@pytest.mark.parametrize("message", SAID)
def test_what_to_write_is_reported(message: str) -> None:
    assert SAID[message] in advice(message, ["order_id", "client_id", "total"])


def test_a_name_of_select_is_answered_with_what_stands_for_it() -> None:
    message = "Unrecognized name: net at [1:80]"
    assert "write total / 1.19 in its place" in advice(message, ["total"], {"net": "total / 1.19"})
    assert "have no column net" in advice(message, ["total"], {"gross": "total"})


TABLES = {
    "shop.crm.orders": [
        {"name": name, "type": type_, "mode": "REPEATED" if name == "tags" else "NULLABLE"}
        for name, type_ in {
            "id": "STRING",
            "paid": "TIMESTAMP",
            "day": "DATE",
            "total": "FLOAT",
            "items": "INTEGER",
            "status": "STRING",
            "tags": "STRING",
        }.items()
    ]
}
# what analysts write; the words of each refusal are the analyzer's own
WRITTEN = {
    "SELECT CONCAT(id, items) AS x FROM o": "takes STRING where it is given INT64: CAST(",
    "SELECT SUBSTR(items, 1, 2) AS x FROM o": "CAST(a AS STRING)",
    "SELECT PARSE_DATE('%Y', day) AS x FROM o": "FORMAT_DATE('%Y-%m-%d', a)",
    "SELECT DATE_DIFF(paid, day, DAY) AS x FROM o": "DATE(a, 'Europe/Berlin')",
    "SELECT SUM(status) AS x FROM o": "SAFE_CAST(a AS FLOAT64)",
    "SELECT ARRAY_LENGTH(status) AS x FROM o": "SPLIT(a, ',')",
    "SELECT COUNT(DISTINCT id, status) AS x FROM o": "COUNT(DISTINCT TO_JSON_STRING(STRUCT(a, b)))",
    "SELECT COALESCE(total, 'x') AS x FROM o": "one type",
    "SELECT CASE WHEN total > 1 THEN 'a' ELSE 0 END AS x FROM o": "THEN and ELSE one type",
    "SELECT total || 'x' AS x FROM o": "CAST(a AS STRING) || b",
    "SELECT id + 1 AS x FROM o": "SAFE_CAST(a AS FLOAT64) + b",
    "SELECT paid + 1 AS x FROM o": "DATE_ADD(day, INTERVAL 1 DAY)",
    "SELECT id AS x FROM o WHERE tags = 'a'": "'x' IN UNNEST(column)",
    "SELECT id AS x FROM o WHERE status IN (1, 2)": "IN ('1', '2')",
    "SELECT id AS x FROM o WHERE id LIKE 5": "CAST(a AS STRING) LIKE",
    "SELECT id AS x FROM o WHERE day >= 20260101": "a >= DATE '2026-01-31'",
    "SELECT id AS x FROM o WHERE paid > 5": "a > TIMESTAMP_SECONDS(b)",
    "SELECT id AS x FROM o WHERE id = 5": "SAFE_CAST(a AS INT64) = b",
    "SELECT id AS x FROM o WHERE NOT status": "Write conditions",
    "SELECT id AS x FROM o WHERE status": "Write a condition",
    "SELECT id AS x FROM o WHERE day = '2026-13-01'": "DATE '2026-01-31'",
    "SELECT id AS x FROM o WHERE status = NULL": "a IS NULL",
    "SELECT id AS x FROM o HAVING total > 1": "write WHERE",
    "SELECT TIMESTAMP_ADD(paid, INTERVAL 1 MONTH) AS x FROM o": "INTERVAL 1 MONTH))",
    "SELECT CAST(day AS INT64) AS x FROM o": "UNIX_DATE(a)",
    "SELECT CAST(total AS DATE) AS x FROM o": "CAST(CAST(a AS STRING) AS DATE)",
    "SELECT EXTRACT(HOUR FROM day) AS x FROM o": "A day has no HOUR",
    "SELECT * EXCEPT (nothing) FROM o": "Remove nothing",
    "SELECT tags[0].x AS x FROM o": "JSON_VALUE(column, '$.x')",
    "SELECT MAX(SUM(total)) AS x FROM o": "Make the inner one a step",
    "SELECT id AS x FROM o GROUP BY 5": "Name the column",
}


@pytest.mark.parametrize("written", WRITTEN)
def test_what_googlesql_refuses_is_answered_by_what_it_takes(written: str) -> None:
    sql = written.replace(" FROM o", " FROM `shop.crm.orders`")
    with pytest.raises(Rejected) as refused:
        analysis.analyze(sql, TABLES)
    assert WRITTEN[written] in advice(str(refused.value), [], {})


@pytest.mark.parametrize(("source", "wanted"), MADE)
def test_each_conversion_that_is_offered_is_googlesql(source: str, wanted: str) -> None:
    sql = f"SELECT {MADE[source, wanted]} AS x FROM (SELECT CAST(NULL AS {source}) AS a)"
    assert [column.type for column in analysis.analyze(sql)] == [wanted]
