"""A shop as GA4 has it every day is silent; one step beyond, each incident speaks once.

What is normal is what GA4's documents and public reports say: a tag and a server send one order, a
crawler opens a thank-you page, one purchase in a hundred has no order id, a day lands in 36 hours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.materialize.world import QuickWorld

DAY = date(2026, 11, 10)
MORNING = datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=UTC)
PURCHASE: dict[str, Any] = {"id": "purchase", "event_type": "purchase", "refunds": {"days": 30}}
TENT: dict[str, Any] = {"item_id": "tent", "price": 10.0, "quantity": 1}


def sale(number: int, **other: Any) -> dict[str, Any]:
    """One of a hundred purchases of ten days, of a client and an order of its own."""
    return {
        "at": MORNING - timedelta(days=number % 10, seconds=number),
        "name": "purchase", "client": f"c{number}", "session": number, "key": number,
        "order": f"O{number}", "value": 10.0, "currency": "USD", "items": [TENT], **other,
    }  # fmt: skip


def refund(number: int, **other: Any) -> dict[str, Any]:
    return sale(number, name="refund", key=1000 + number, value=None, items=[], **other)


def shop(without_id: int, clients: int) -> Iterator[dict[str, Any]]:
    """A hundred purchases, some without an order id, and one order on so many clients."""
    for number in range(100):
        yield sale(number, **({"order": None} if number < without_id else {}))
    for number in range(1, clients):
        yield sale(50, client=f"other{number}", key=2000 + number)


NORMAL = [
    *shop(without_id=1, clients=3),
    # a reseller
    *(sale(300 + number, client="office") for number in range(49)),
    refund(60, refund_value=4.0),
    refund(61),
    refund(62) | {"items": [{"item_id": "tent"}]},
]
UNUSUAL = [
    *shop(without_id=2, clients=4),
    # a server that sends one client id for all
    *(sale(300 + number, client="server") for number in range(50)),
    refund(60, refund_value=4.0, order="of nobody"),
    refund(61, refund_value=4.0, order=None),
    refund(62) | {"items": [{"item_id": "stove"}]},
    sale(200, currency="GBP"),
    sale(201, currency="€"),
    sale(202, value=None, params={"value": "ten"}),
]
SPOKEN = [
    "client_id_shared", "currencies_unreadable", "order_id_reused", "orders_without_id",
    "rate_missing", "refund_amount_unknown", "refund_of_unknown_order", "values_unreadable",
]  # fmt: skip


def test_a_normal_shop_is_silent_on_the_morning_before_its_day_has_landed(
    world: QuickWorld,
) -> None:
    world.define(**PURCHASE)
    world.events(NORMAL)
    world.run(DAY + timedelta(days=1))
    assert world.incidents() == []


def test_one_step_beyond_each_incident_speaks_and_once_a_day(
    world: QuickWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.define(**PURCHASE)
    world.events(UNUSUAL)
    world.run(DAY)
    assert spoken(capsys) == SPOKEN
    world.now += timedelta(hours=1)
    world.handle(world.tick("again"))
    assert spoken(capsys) == []
    states = f"SELECT code FROM `{world.warehouse.path('incidents')}` WHERE state <> 'open'"
    assert world.query(states) == []


def test_a_refund_of_an_order_that_another_property_sold_lowers_nothing_and_is_told() -> None:
    world = QuickWorld(properties=("web", "app"))
    world.define(**PURCHASE)
    world.events([sale(60), sale(61)], "web")
    world.events([sale(70), refund(70), refund(60)], "app")
    world.run(DAY)
    rows = {
        row["id"].partition("@")[0]: row["value"] for row in world.rows("purchase", "id", "value")
    }
    assert rows == {"O60": 10.0, "O61": 10.0, "O70": 0.0}
    assert world.incidents() == ["refund_of_unknown_order"]
    world.close()


MENDED: dict[str, dict[str, Any]] = {
    "orders_without_id": {"order": None},
    "order_id_reused": {"order": "one for all"},
    "client_id_shared": {"client": "server"},
    "refund_of_unknown_order": {"name": "refund", "items": [], "refund_value": 4.0},
}


@pytest.mark.parametrize("code", MENDED)
def test_what_has_not_been_seen_for_a_week_is_over(world: QuickWorld, code: str) -> None:
    world.define(**PURCHASE)
    faulty = [sale(3000 + number) | MENDED[code] for number in range(60)]
    world.events([*shop(without_id=0, clients=1), *faulty])
    world.run(DAY)
    assert world.incidents() == [code]
    # sales go on, and nothing is wrong with them any more
    week = timedelta(days=7)
    later = [
        sale(number, order=f"new {number}", client=f"new {number}")
        | {"at": sale(number)["at"] + week}
        for number in range(100)
        if number % 10 < 7
    ]
    for days, expected in ((6, "open"), (7, "resolved")):
        until = DAY + timedelta(days=days)
        world.events(each for each in later if each["at"].date() <= until)
        world.run(until)
        assert state(world) == expected


def state(world: QuickWorld) -> str:
    """Of the newest entry that a run has written."""
    path = world.warehouse.path("incidents")
    [row] = world.query(f"SELECT state FROM `{path}` ORDER BY recorded_at DESC LIMIT 1")
    return str(row["state"])


def spoken(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The codes of the lines that alerts read, since this was asked last."""
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return sorted(line["code"] for line in lines if line["event"] == "incident")
