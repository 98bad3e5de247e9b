"""Which property is too quiet, told by stories of a web shop and an app in one project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from common import schemas
from common.bigquery.sql import Sql
from functions.materialize.task import volume
from tests.judge import Rows, evaluate
from tests.materialize.world import QuickWorld

DAY = date(2026, 11, 10)
WEB, APP = "test-project.quick_web", "test-project.quick_app"
Sold = Callable[[int], int]
"""How many orders there are, so many days before DAY; below zero the table is missing."""


@pytest.fixture
def two() -> Iterator[QuickWorld]:
    built = QuickWorld(properties=("web", "app"))
    yield built
    built.close()


def exported(world: QuickWorld, name: str, sold: Sold, days: int = 30, visitors: int = 25) -> None:
    """The daily tables of a property: visitors, and so many of them who buy."""
    rows: list[dict[str, Any]] = []
    for back in range(days):
        if sold(back) >= 0:
            rows += _day(name, DAY - timedelta(back), sold(back), visitors)
    world.events(rows, name)


def _day(name: str, day: date, sold: int, visitors: int) -> Iterator[dict[str, Any]]:
    for number in range(visitors):
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(seconds=number)
        who = {"at": at, "client": f"{name}{day}.{number}", "session": number, "key": number}
        yield {**who, "name": "page_view"}
        if number < sold:
            yield {**who, "name": "purchase", "order": f"{name}{day}.{number}", "value": 10.0}


def told(world: QuickWorld) -> list[tuple[str, str, str]]:
    """Code, conversion and object of what is open after the run of the morning after DAY."""
    world.define(id="purchase", event_type="purchase")
    world.run(DAY)
    path = world.warehouse.path("incidents")
    rows = world.query(f"SELECT * FROM `{path}` ORDER BY code, object")
    return [(row["code"], row["conversion"] or "", row["object"] or "") for row in rows]


def usual(_back: int) -> int:
    return 10


def test_of_two_properties_the_one_that_broke_is_named(two: QuickWorld) -> None:
    exported(two, "web", lambda back: 10 if back else 0)
    exported(two, "app", usual)
    assert told(two) == [("silence", "purchase", WEB)]
    [row] = two.query(f"SELECT detail FROM `{two.warehouse.path('incidents')}`")
    assert row["detail"] == (
        f"purchase: 0 conversions of {WEB} on 2026-11-10, usually about 10."
        " Visits are at 100% of their usual."
    )


def test_where_nothing_is_wrong_neither_is_called(two: QuickWorld) -> None:
    exported(two, "web", usual)
    exported(two, "app", lambda back: 4 + back % 3)
    assert told(two) == []


@pytest.mark.parametrize("ended", [1, 2, 9, 12])
def test_a_property_whose_export_ended_says_its_missing_days_alone(
    two: QuickWorld, ended: int
) -> None:
    # most visitors are the app's, so that all in all traffic stays
    exported(two, "web", lambda back: 10 if back >= ended else -1, visitors=12)
    exported(two, "app", lambda back: 4, visitors=90)
    # a table may land in the 36 hours after its day, and this is the morning after the last one
    late = [] if ended <= 2 else [("ga4_day_missing", WEB)]
    assert [(code, conversion) for code, conversion, _ in told(two)] == late


def test_an_outage_that_is_over_is_no_silence(two: QuickWorld) -> None:
    exported(two, "web", lambda back: -1 if 1 <= back <= 6 else 10, visitors=12)
    exported(two, "app", lambda back: 4, visitors=90)
    assert [code for code, _, _ in told(two)] == ["ga4_day_missing"]


def test_a_property_added_today_says_nothing(two: QuickWorld) -> None:
    exported(two, "web", usual)
    exported(two, "app", lambda back: 10 if back == 0 else 0, days=1)
    assert told(two) == []


def test_what_is_too_little_in_each_property_is_judged_together(two: QuickWorld) -> None:
    for name in ("web", "app"):
        exported(two, name, lambda back: 0 if back < 3 else 2)
    assert told(two) == [("silence", "purchase", "")]


def test_a_conversion_is_of_the_property_whose_event_it_was(
    two: QuickWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(two, "web", lambda back: back % 3, days=4)
    exported(two, "app", lambda back: 2, days=4)
    told(two)
    stored = two.catalog.get("purchase")
    heard: list[Sql] = []
    ask = two.quick.rows

    def hear(sql: Sql) -> Iterator[dict[str, Any]]:
        heard.append(sql)
        return ask(sql)

    monkeypatch.setattr(two.quick, "rows", hear)
    found = volume.by_property(two.quick, stored, DAY)
    days = [DAY - timedelta(back) for back in range(4)]
    assert found == {WEB: {days[1]: 1, days[2]: 2}, APP: dict.fromkeys(days, 2)}
    assert volume_of(judged(two, heard[0])) == found


def judged(world: QuickWorld, sql: Sql) -> list[dict[str, Any]]:
    """What GoogleSQL's own evaluator finds in the same tables."""
    paths = {world.warehouse.path(name): name for name in ("ga4_events", "conversion_purchase")}
    tables = {
        path: Rows(schemas.load(name.removesuffix("_purchase"))["schema"],
                   list(world.query(f"SELECT * FROM `{path}` WHERE date > '2000-01-01'")))
        for path, name in paths.items()
    }  # fmt: skip
    bound = {name: (each.type, each.value) for name, each in sql.parameters.items()}
    return evaluate(sql.text, tables, bound)


def volume_of(rows: list[dict[str, Any]]) -> dict[str, dict[date, int]]:
    found: dict[str, dict[date, int]] = {}
    for row in rows:
        found.setdefault(row["property"], {})[row["date"]] = row["seen"]
    return found
