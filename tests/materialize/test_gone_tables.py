"""What a deleted daily table told stays, and what one beside it no longer tells goes.

Each story ends as one run over what every table said last, in the tables of visits, clicks and
order ids too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.materialize.world import QuickWorld, export, ga4_schema
from tests.quick import database

FIRST = date(2026, 11, 2)
BEGUN = datetime(2026, 11, 2, tzinfo=UTC)
FACTS = {
    "ga4_visits": "session_id, client_id, date, started_at, duration_seconds, pages, depth,"
    " landing_page, source, medium, campaign, channel_group, source_step",
    "ga4_clicks": "client_id, kind, value, date, MIN(clicked_at) AS clicked_at",
    "order_memory": "DISTINCT order_id, purchase_id, date",
    "ga4_rates": "currency, date, dollars, amounts",
}
GROUPED = {"ga4_clicks": "GROUP BY client_id, kind, value, date"}
Early = tuple[str, int]
"""Beginning of a table's name behind events_, and its day."""
Tables = dict[int | Early, list[dict[str, Any]]]
"""Day of the property → what its daily table holds; None of what is deleted."""


def at(hours: float, name: str, **said: Any) -> dict[str, Any]:
    """An event so many hours after the beginning of the first day."""
    key = int(hours * 100)
    return {"at": BEGUN + timedelta(hours=hours), "name": name, "client": "a", "key": key, **said}


def visit(hours: float, session: int, **said: Any) -> dict[str, Any]:
    return at(hours, "page_view", session=session, **said)


def bought(hours: float, session: int, order: str, **said: Any) -> dict[str, Any]:
    return at(hours, "purchase", session=session, order=order, value=10.0, **said)


NEWS = {"params": {"source": "news", "medium": "email"}}
BING = {"params": {"source": "bing", "medium": "organic"}}
PAGES = tuple(f"https://shop.example/{name}" for name in "xyz")
EDGES: Tables = {0: [visit(9, 1, client="z")], 9: [visit(9 * 24 + 9, 2, client="z")]}
"""The first and the last table, which stay as they are."""

OVER_MIDNIGHT = [
    # its first part tells where it came from and two pages, its second the click and an order
    visit(4 * 24 + 7.5, 40, page=PAGES[0], **NEWS),
    visit(4 * 24 + 7.8, 40, page=PAGES[1]),
]
AFTER_MIDNIGHT = [
    visit(4 * 24 + 8.1, 40, page=PAGES[2], gclid="LATE", **BING),
    bought(4 * 24 + 8.3, 40, "T1"),
]
IN_EUROS = [
    bought(4 * 24 + 5 + number, 40, f"E{number}", currency="EUR", in_usd=11.0 + number)
    for number in range(5)
]
LATER = [bought(6 * 24 + 20, 60, "T2")]
FRESH, STREAMED = ("fresh_", 3), ("intraday_", 3)
"""Tables beside the daily one that is deleted, which know less than it did."""
TWO_ORDERS = [
    visit(3 * 24 + 9, 30, gclid="G", **NEWS),
    bought(3 * 24 + 12, 30, "T3"),
    bought(3 * 24 + 13, 30, "T4"),
]
FEWER = [visit(3 * 24 + 9, 30), bought(3 * 24 + 12, 30, "T3") | {"value": 1.0}]
NEXT_DAY = [visit(4 * 24 + 20, 40), bought(4 * 24 + 21, 40, "T5")]

STORIES: dict[str, list[dict[int | Early, Any]]] = {
    "a visit that lends": [
        {3: [visit(80, 30)], 4: [visit(4 * 24 + 20, 40, **NEWS)], 6: LATER},
        {3: None, 4: []},
    ],
    "a visit that lends, a table deleted later": [
        {3: [visit(80, 30)], 4: [visit(4 * 24 + 20, 40, **NEWS)], 6: LATER},
        {3: None},
        {4: [visit(4 * 24 + 21, 41, client="b")]},
    ],
    "a click": [
        {3: [visit(80, 30)], 4: [visit(4 * 24 + 20, 40, gclid="G")], 6: LATER},
        {3: None, 4: [visit(4 * 24 + 20, 40)]},
    ],
    "a click that both tables told on one day": [
        {
            3: [visit(4 * 24 + 6, 30, gclid="G")],
            4: [visit(4 * 24 + 12, 40, gclid="G")],
            6: [bought(6 * 24 + 20, 60, "T2")],
        },
        {3: None, 4: [visit(4 * 24 + 12, 40, gclid="G"), visit(4 * 24 + 13, 41)]},
    ],
    "a click of one day that only the deleted table still tells": [
        {3: [visit(4 * 24 + 6, 30, gclid="G")], 4: [visit(4 * 24 + 12, 40, gclid="G")], 6: LATER},
        {3: None, 4: [visit(4 * 24 + 13, 41)]},
    ],
    "a click whose first sight is told no more, its repeat in a table that stays": [
        {2: [visit(56, 20, gclid="G")], 5: [visit(5 * 24 + 12, 50, gclid="G")], 6: LATER},
        {2: [visit(56, 20)]},
    ],
    "a click whose first sight lands late": [
        {5: [visit(5 * 24 + 12, 50, gclid="G")], 6: LATER},
        {2: [visit(56, 20, gclid="G")]},
    ],
    "a click whose first sight is told no more, its repeat in a deleted table": [
        {3: [visit(80, 30, gclid="G")], 4: [visit(4 * 24 + 20, 40, gclid="G")], 6: LATER},
        {3: [visit(80, 30)], 4: None},
    ],
    "a click whose first sight is told no more, its repeat of that day in a deleted table": [
        {3: [visit(4 * 24 + 6, 30, gclid="G")], 4: [visit(4 * 24 + 12, 40, gclid="G")], 6: LATER},
        {3: [visit(4 * 24 + 6, 30)], 4: None},
    ],
    "a click that a later table tells before a deleted one": [
        {3: [visit(80, 30)], 4: [visit(4 * 24 + 20, 40, gclid="G")], 6: LATER},
        {3: [visit(80, 30, gclid="G")], 4: None},
    ],
    "an order": [
        {3: [visit(80, 30)], 4: [bought(4 * 24 + 20, 40, "T2")], 6: LATER},
        {3: None, 4: [visit(4 * 24 + 20, 40)]},
    ],
    "an order that both tables told on one day": [
        {3: [bought(4 * 24 + 6, 30, "T3")], 4: [bought(4 * 24 + 12, 40, "T3")], 6: LATER},
        {3: None, 4: [visit(4 * 24 + 12, 40)]},
    ],
    "amounts of a day of which one table is deleted": [
        {3: IN_EUROS[:3], 4: IN_EUROS[3:], 6: LATER},
        {3: None, 4: IN_EUROS[4:]},
    ],
    "amounts that only the rewritten table of a day told": [
        {3: [visit(80, 30)], 4: IN_EUROS[3:], 6: LATER},
        {3: None, 4: [visit(4 * 24 + 12, 40)]},
    ],
    "amounts that a deleted table told twice": [
        {3: [*IN_EUROS[:1], *IN_EUROS[:1]], 4: IN_EUROS[3:], 6: LATER},
        {3: None, 4: IN_EUROS[4:]},
    ],
    "a visit of two tables whose first is deleted": [
        {3: OVER_MIDNIGHT, 4: AFTER_MIDNIGHT, 6: LATER},
        {3: None, 4: [AFTER_MIDNIGHT[1] | {"value": 7.0}]},
    ],
    "a visit of two tables whose second is deleted": [
        {3: OVER_MIDNIGHT, 4: AFTER_MIDNIGHT, 6: LATER},
        {3: OVER_MIDNIGHT[1:], 4: None},
    ],
    "a visit of two tables that the one which is left tells no more": [
        {3: OVER_MIDNIGHT, 4: AFTER_MIDNIGHT, 6: LATER},
        {3: None, 4: [visit(4 * 24 + 12, 41)]},
    ],
    "a visit of two tables that only the deleted second still tells": [
        {3: OVER_MIDNIGHT, 4: AFTER_MIDNIGHT, 6: LATER},
        {3: [visit(80, 30)], 4: None},
    ],
    "a visit that goes on in a table which lands when the first is deleted": [
        {3: OVER_MIDNIGHT, 6: LATER},
        {3: None, 4: AFTER_MIDNIGHT},
    ],
    "a visit whose second table tells another source by now": [
        {3: [OVER_MIDNIGHT[0] | {"params": {}}], 4: AFTER_MIDNIGHT, 6: LATER},
        {3: None, 4: [AFTER_MIDNIGHT[0] | NEWS, AFTER_MIDNIGHT[1]]},
    ],
    "a visit whose both tables are deleted one after the other": [
        {3: OVER_MIDNIGHT, 4: AFTER_MIDNIGHT, 6: LATER},
        {3: None, 4: AFTER_MIDNIGHT[1:]},
        {4: None, 5: [visit(5 * 24 + 12, 50, **BING)]},
    ],
    "a deleted table that comes back": [
        {3: OVER_MIDNIGHT, 4: AFTER_MIDNIGHT, 6: LATER},
        {3: None, 4: AFTER_MIDNIGHT[1:]},
        {3: OVER_MIDNIGHT[1:]},
    ],
    "a fresh table beside a deleted one": [
        {3: TWO_ORDERS, FRESH: FEWER, 4: [visit(4 * 24 + 20, 40)], 6: LATER},
        {3: None, 4: NEXT_DAY},
    ],
    "a fresh table that is written again when the daily one is deleted": [
        {3: TWO_ORDERS, 4: [visit(4 * 24 + 20, 40)], 6: LATER},
        {3: None, FRESH: FEWER},
        {4: NEXT_DAY},
    ],
    "a fresh table that was read before the daily one came and went": [
        {FRESH: FEWER, 4: [visit(4 * 24 + 20, 40)], 6: LATER},
        {3: TWO_ORDERS},
        {3: None, 4: NEXT_DAY},
    ],
    "a fresh table beside a daily one that comes back": [
        {3: TWO_ORDERS, FRESH: FEWER, 4: [visit(4 * 24 + 20, 40)], 6: LATER},
        {3: None, 4: NEXT_DAY},
        {3: TWO_ORDERS[1:]},
    ],
    "a stream beside a deleted table": [
        {3: TWO_ORDERS, STREAMED: FEWER, 4: [visit(4 * 24 + 20, 40)], 6: LATER},
        {3: None, 4: NEXT_DAY},
    ],
    "a visit of two tables and a fresh one beside the deleted first": [
        {3: OVER_MIDNIGHT, FRESH: OVER_MIDNIGHT[1:], 4: AFTER_MIDNIGHT, 6: LATER},
        {3: None, 4: [AFTER_MIDNIGHT[1] | {"value": 7.0}]},
    ],
}


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    """One database for all stories."""
    made = database()
    yield made
    made.close()


@pytest.mark.parametrize("steps", STORIES.values(), ids=STORIES)
def test_each_table_leaves_what_it_said_last(
    steps: list[dict[int | Early, Any]], connection: Any
) -> None:
    first, *others = steps
    world = begun(connection)
    for number, step in enumerate([{**EDGES, **first}, *others]):
        write(world, step)
        # a story may leave nothing of a day, which nobody else does
        world.run(FIRST + timedelta(days=9 + 8 * number), force=True)
    found = told(world)
    last: Tables = {}
    for step in [EDGES, *steps]:
        last |= {day: rows for day, rows in step.items() if rows is not None}
    assert found == of_one_run(connection, last, 9 + 8 * len(others))
    assert found["all"]


def begun(connection: Any) -> QuickWorld:
    world = QuickWorld(connection, ga4_streaming=True)
    world.define(id="all", event_type="purchase")
    return world


def of_one_run(connection: Any, tables: Tables, day: int) -> dict[str, Any]:
    """What one run over all days makes of these tables."""
    world = begun(connection)
    write(world, tables)
    world.run(FIRST + timedelta(days=day), start_date=FIRST)
    return told(world)


def write(world: QuickWorld, tables: dict[int | Early, Any]) -> None:
    """The tables become this; days of the property begin eight hours later."""
    for key, rows in tables.items():
        stem, day = ("", key) if isinstance(key, int) else key
        suffix = f"{FIRST + timedelta(days=day):%Y%m%d}"
        path = f"{world.dataset}_ga4.events_{stem}{suffix}"
        if rows is None:
            world.quick.drop(path)
        else:
            listed = [export(row, 0, "UTC") | {"event_date": suffix} for row in rows]
            world.replace(path, ga4_schema(), listed)


def told(world: QuickWorld) -> dict[str, Any]:
    """The conversion's rows, and the facts of which they are made."""
    facts = {
        name: sorted(
            world.query(
                f"SELECT {columns} FROM `{world.warehouse.path(name)}` {GROUPED.get(name, '')}"
            ),
            key=str,
        )
        for name, columns in FACTS.items()
    }
    rows = [{name: row[name] for name in row if name != "row_hash"} for row in world.rows("all")]
    return {"all": rows, **facts}
