"""What each filter removes, and what was meant where one lets nothing pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.guard.judge import judge
from common.untyped import JsonObject
from functions.validate_sql.check import Services, validate
from functions.validate_sql.models import Ask
from functions.validate_sql.profile import filters
from tests.guard.corpus import SCOPE
from tests.validate_sql.conftest import COLUMNS, PERIOD, Judge, codes

ORDERS = f"SELECT {COLUMNS} FROM shop.crm.orders {PERIOD}"


def test_the_share_that_each_filter_removes_is_reported(shown: Judge) -> None:
    answer = shown(f"{ORDERS} AND status = 'paid' AND items BETWEEN 1 AND 3")
    assert [(it.text, it.removed_share) for it in answer.filters] == [
        ("status = 'paid'", 0.5),
        ("items BETWEEN 1 AND 3", 0.25),
    ]
    assert "idle_filter" not in codes(answer)


def test_a_slip_in_a_filter_is_reported_with_the_value_that_was_meant(shown: Judge) -> None:
    answer = shown(f"{ORDERS} AND status = 'Paid'")
    issue = next(it for it in answer.issues if it.code == "idle_filter")
    assert "'paid' (30)" in issue.message
    assert issue.fix == "Did you mean 'paid'?"
    assert answer.suggestion == f"{ORDERS} AND status = 'paid'"
    mended = shown(answer.suggestion)
    assert {"idle_filter", "no_rows"}.isdisjoint(codes(mended))


def test_values_of_a_column_that_holds_persons_are_masked(shown: Judge) -> None:
    answer = shown(f"{ORDERS} AND email = 'nobody'")
    (issue,) = [it for it in answer.issues if it.code == "idle_filter"]
    assert "canary.example" not in issue.message
    assert issue.replacement is None


class Unordered(Warehouse):
    """A warehouse that gives the rows of a table in any order, as BigQuery may."""

    def rows(self, sql: Sql, **asked: Any) -> Iterator[JsonObject]:
        found = super().rows(sql, **asked)
        return found if "ORDER BY" in sql.text else iter([*found][::-1])


def test_the_most_frequent_come_first_whatever_order_a_table_has(services: Services) -> None:
    own = Unordered(services.own.client, services.settings)
    level = "IF(order_id < 'T-3', 'low', 'high')"
    text = f"SELECT {COLUMNS} FROM (SELECT *, {level} AS level FROM shop.crm.orders {PERIOD})"
    ask = Ask(sql=f"{text} WHERE level = 'lowest'")
    answer = validate(ask, replace(services, own=own))
    issue = next(it for it in answer.issues if it.code == "idle_filter")
    numbers = [int(number) for number in re.findall(r"\((\d+)\)", issue.message)]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 2


@pytest.mark.parametrize(
    ("where", "parted"),
    [
        (
            "a = 1 AND b IN (1, 2) AND (c = 1 OR d = 2)",
            ["a = 1", "b IN (1, 2)", "(c = 1 OR d = 2)"],
        ),
        ("a BETWEEN 1 AND 2 AND CASE WHEN a AND b THEN c END GROUP BY 1", None),
        ("NOT a AND b ORDER BY 1", ["NOT a", "b"]),
        ("a = 1 OR b = 2", []),
        ("a = 1 UNION ALL SELECT 1", []),
        ("a = 1 |> WHERE b", []),
    ],
)
def test_conditions_are_parted_at_the_outermost_and(where: str, parted: list[str] | None) -> None:
    query = judge(f"SELECT 1 AS id FROM shop.crm.o WHERE {where}", SCOPE).query
    assert query
    found = filters.parts(query)
    texts = ["".join(t.text for t in it) for it in found.filters] if found else []
    wanted = ["aBETWEEN1AND2", "CASEWHENaANDbTHENcEND"] if parted is None else parted
    assert texts == [text.replace(" ", "") for text in wanted]
