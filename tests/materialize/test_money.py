"""Money has a brake: rates that get lost must not halve a shop's value under the status done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.materialize.world import QuickWorld

DAY = date(2026, 11, 19)
RATE_COLUMNS = [
    {"name": "date", "type": "DATE"},
    {"name": "currency", "type": "STRING"},
    {"name": "rate", "type": "FLOAT"},
]


@pytest.fixture
def world() -> Iterator[QuickWorld]:
    opened = QuickWorld(has_rates=True)
    yield opened
    opened.close()


def rates(world: QuickWorld, **by_currency: float) -> None:
    days = [str(DAY - timedelta(days=back)) for back in range(60)]
    rows = [
        {"date": day, "currency": currency, "rate": rate}
        for day in days
        for currency, rate in by_currency.items()
    ]
    world.replace(f"{world.dataset}_crm.rates", RATE_COLUMNS, rows)


def orders(world: QuickWorld, pounds: int, refund: bool = False, **changes: Any) -> None:
    """Twenty orders of 100, the first so many in pounds; all returned, when they are."""
    at = datetime(2026, 11, 19, 10, tzinfo=UTC)
    bought = [
        {
            "name": "purchase", "at": at, "client": f"{n}.1", "order": f"o{n}", "value": 100,
            "currency": "GBP" if n < pounds else "USD", **changes,
        }
        for n in range(20)
    ]  # fmt: skip
    back = [
        {**each, "name": "refund", "at": at + timedelta(hours=1), "refund_value": 100}
        for each in bought
    ]
    world.events(bought + (back if refund else []))


def statuses(world: QuickWorld) -> list[str]:
    return [row["status"] for row in world.ledger("purchase") if row["status"] != "planned"]


def total(world: QuickWorld) -> float:
    return sum(row["value_project"] or 0 for row in world.rows("purchase", "value_project"))


def test_a_lost_table_of_rates_holds_the_run_and_force_lets_it_pass(world: QuickWorld) -> None:
    rates(world, USD=1, GBP=1.5)
    orders(world, pounds=12)
    world.define(id="purchase", event_type="purchase")
    world.run(DAY)
    assert total(world) == 12 * 150 + 8 * 100
    rates(world, USD=1)
    world.run(DAY, request_id="again")
    assert statuses(world) == ["applied", "held"]
    assert total(world) == 2600
    [held] = [row for row in world.ledger("purchase") if row["status"] == "held"]
    assert "from 2,600.00 to 800.00 USD, because 12 conversions" in held["detail"]
    assert "suspicious_value" in world.incidents()
    world.run(DAY, request_id="forced", force=True)
    assert statuses(world)[-1] == "applied"
    assert total(world) == 800


@pytest.mark.parametrize("pounds", [4, 5])
def test_a_fifth_of_the_value_and_ten_rows_are_where_it_begins(
    world: QuickWorld, pounds: int
) -> None:
    rates(world, USD=1, GBP=1)
    orders(world, pounds=pounds)
    world.define(id="purchase", event_type="purchase")
    world.run(DAY)
    rates(world, USD=1)
    world.run(DAY, request_id="again")
    assert statuses(world) == ["applied", "applied"]


def test_refunds_edits_and_new_orders_never_wait(world: QuickWorld) -> None:
    rates(world, USD=1, GBP=1.5)
    orders(world, pounds=12)
    world.define(id="purchase", event_type="purchase", refunds={"days": 30})
    world.run(DAY)
    orders(world, pounds=12, refund=True)
    world.run(DAY, request_id="refunded")
    assert statuses(world) == ["applied", "applied"]
    assert total(world) == 0
    world.define(
        id="purchase",
        event_type="purchase",
        value={"type": "manual", "amount": 7, "currency": "USD"},
    )
    world.run(DAY, request_id="edited")
    assert statuses(world)[-1] == "applied"
    assert total(world) == 140


def test_amounts_that_a_source_breaks_hold_it_too(world: QuickWorld) -> None:
    rates(world, USD=1, GBP=1.5)
    orders(world, pounds=0)
    world.define(id="purchase", event_type="purchase")
    world.run(DAY)
    orders(world, pounds=0, value=10_000)
    world.run(DAY, request_id="cents")
    assert statuses(world) == ["applied", "held"]
    assert total(world) == 2000
