"""A UNION ties columns by their place: what it mixes is told, with the text that ends it."""

from __future__ import annotations

import pytest

from common.guard.judge import judge
from functions.validate_sql.engine.unions import check
from tests.guard.corpus import SCOPE

WANTED = {"id", "client_id", "created"}
FIRST = "SELECT order_id AS id, client_id, created_at AS created FROM crm.a"


@pytest.mark.parametrize(
    ("second", "fix"),
    [
        ("SELECT client_id, id, created FROM crm.b", "UNION ALL BY NAME"),
        ("SELECT created, client_id, n AS id FROM crm.b", "UNION ALL BY NAME"),
        ("SELECT client_id, id, paid_at FROM crm.b",
         "Select the columns in this order: id, client_id, created"),
        ("SELECT order_id, client, paid_at FROM crm.b", ""),
        ("SELECT n AS id, client_id, created FROM crm.b", ""),
        ("SELECT * FROM crm.b", ""),
        ("SELECT id, NULL, created FROM crm.b", ""),
    ],
)  # fmt: skip
def test_columns_that_stand_in_each_others_place_are_reported(second: str, fix: str) -> None:
    query = judge(f"{FIRST} UNION ALL {second}", SCOPE).query
    assert query
    found = check(query, WANTED)
    assert [it.fix for it in found] == ([fix] if fix else [])
    by_name = judge(f"{FIRST} UNION ALL BY NAME {second}", SCOPE).query
    assert by_name
    assert check(by_name, WANTED) == []


def test_of_several_unions_the_one_at_fault_is_named() -> None:
    sql = f"{FIRST} UNION ALL {FIRST}\nUNION ALL (SELECT client_id, id, created FROM crm.b)"
    query = judge(sql, SCOPE).query
    assert query
    (finding,) = check(query, WANTED)
    assert (finding.line, finding.column, finding.end_column) == (2, 1, 10)
    assert finding.message == (
        "UNION ties columns by their place, so client_id of the SELECT behind it becomes id."
    )
    nested = "SELECT id, client_id FROM (SELECT id, client_id FROM crm.a UNION ALL SELECT "
    query = judge(f"{nested} client_id, id FROM crm.a)", SCOPE).query
    assert query
    assert check(query, WANTED) == []
