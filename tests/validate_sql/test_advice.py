"""BigQuery's complaints turned into what to write."""

from __future__ import annotations

import pytest

from functions.validate_sql.engine.advice import advice

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
