"""Real GA4 days, counted by the product in three runs and by plain Python in one pass.

The purchases are those of Google's public sample, November 2020; tests/local/test_load.py names
their source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.materialize.world import QuickWorld

EVENTS = Path(__file__).parents[1] / "local" / "ga4_purchases_november_2020.parquet"
OVER_100 = {"dimension": "transaction_total", "operator": "greater_than", "value": 100}
PURCHASE: dict[str, Any] = {"event_type": "purchase"}
RUNS = [date(2020, 11, 9), date(2020, 11, 19), date(2020, 11, 29)]

Counted = tuple[datetime, str, float | None]
"""Time, client id, value in USD."""


def events() -> list[dict[str, Any]]:
    """The export's rows, oldest first, as they are."""
    found = duckdb.sql(f"SELECT * FROM '{EVENTS}' ORDER BY event_timestamp, user_pseudo_id")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def value(event: dict[str, Any]) -> float | None:
    """The revenue, else the parameter `value`, whichever of its types carries it."""
    if (revenue := event["ecommerce"]["purchase_revenue"]) is not None:
        return float(revenue)
    for parameter in event["event_params"]:
        if parameter["key"] == "value":
            numbers = (parameter["value"][f"{kind}_value"] for kind in ("int", "double", "float"))
            return next((float(number) for number in numbers if number is not None), None)
    return None


def order_id(event: dict[str, Any]) -> str | None:
    """The usable order id: that of the commerce record, else that of the parameter."""
    candidates = [event["ecommerce"]["transaction_id"]]
    for parameter in event["event_params"]:
        if parameter["key"] == "transaction_id":
            told = parameter["value"]
            candidates.append(told["string_value"] or told["int_value"])
    texts = (str(id).strip() for id in candidates if id is not None)
    return next((text for text in texts if text not in ("", "(not set)")), None)


def orders(purchases: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The first event of each order id, and every event without a usable one."""
    seen = set()
    for event in purchases:
        id = order_id(event)
        if id is None:
            yield event
        elif id not in seen:
            seen.add(id)
            yield event


def first_of_each(purchases: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The first order of each client; nobody in this sample has a user id."""
    seen = set()
    for event in purchases:
        if event["user_pseudo_id"] not in seen:
            seen.add(event["user_pseudo_id"])
            yield event


def counted(purchases: Iterable[dict[str, Any]]) -> list[Counted]:
    return sorted(
        (
            datetime.fromtimestamp(event["event_timestamp"] / 1_000_000, UTC),
            event["user_pseudo_id"],
            value(event),
        )
        for event in purchases
    )


def stored(world: QuickWorld, id: str) -> list[Counted]:
    rows = world.rows(id, "created", "client_id", "value")
    return sorted((row["created"], row["client_id"], row["value"]) for row in rows)


@pytest.fixture(scope="module")
def november() -> Iterator[QuickWorld]:
    """The month, of which each run sees the days that have landed by then."""
    world = QuickWorld()
    world.define(id="purchase", **PURCHASE)
    world.define(id="large", **PURCHASE, filters=OVER_100)
    world.define(id="first", **PURCHASE, deduplicate_by_user=True)
    for number, day in enumerate(RUNS):
        land(world, after=RUNS[number - 1] if number else date(2020, 10, 31), until=day)
        world.run(day)
    yield world
    world.close()


def land(world: QuickWorld, after: date, until: date) -> None:
    """The daily tables after one day and up to another."""
    connection = world.quick.connection
    days = connection.execute(f"SELECT DISTINCT event_date FROM '{EVENTS}' ORDER BY 1").fetchall()
    for (day,) in days:
        if f"{after:%Y%m%d}" < day <= f"{until:%Y%m%d}":
            shard = f'"test-project__quick_ga4"."events_{day}"'
            connection.execute(
                f"CREATE TABLE {shard} AS SELECT * FROM '{EVENTS}' WHERE event_date = '{day}'"
            )


def test_the_oracle_reads_the_month_as_its_source_states_it() -> None:
    known = [event["ecommerce"]["transaction_id"] for event in events()]
    unusable = [id for id in known if id in (None, "", "(not set)")]
    assert (len(known), len(set(known) - {None, "", "(not set)"}), len(unusable)) == (
        1296,
        682,
        435,
    )
    assert sum((value(event) or 0) > 100 for event in events()) == 231
    assert len(list(first_of_each(events()))) == 978


def test_every_order_counts_once_and_none_without_id_is_merged(november: QuickWorld) -> None:
    found = stored(november, "purchase")
    assert found == counted(orders(events()))
    # 682 ids of commerce records; of 435 purchases without one 407 name an id as a parameter alone,
    # and those that repeat are one order: until version 2 of the event key each of them counted
    assert len(found) == 1085 + 28


def test_orders_over_a_hundred_dollars(november: QuickWorld) -> None:
    large = [event for event in events() if (value(event) or 0) > 100]
    assert stored(november, "large") == counted(orders(large))


def test_the_first_order_of_each_user(november: QuickWorld) -> None:
    assert stored(november, "first") == counted(first_of_each(orders(events())))
