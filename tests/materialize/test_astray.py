"""Events whose time cannot be are set aside, and somebody is told once a cause."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from functions.materialize.stage import astray
from functions.materialize.stage.fill import LEASE
from tests.materialize.world import QuickWorld

DAY = date(2026, 11, 10)
NOON = 1794312000000000
"""12:00 UTC of that day."""
HOUR = 3_600_000_000


def purchase(order: str, micros: int | None, day: date = DAY, **more: Any) -> dict[str, Any]:
    return {
        "event_date": f"{day:%Y%m%d}",
        "event_timestamp": micros,
        "event_name": "purchase",
        "user_pseudo_id": f"client.{order}",
        "platform": "WEB",
        "ecommerce": {"transaction_id": order, "purchase_revenue": 5.0},
        **more,
    }


def counts(world: QuickWorld) -> list[str]:
    return sorted(row["id"] for row in world.rows("order", "id"))


def told(world: QuickWorld) -> list[dict[str, Any]]:
    """The newest entry of each incident of this kind."""
    return world.query(
        "SELECT object, state, severity, detail FROM"
        f" `{world.warehouse.path('incidents')}` WHERE code = '{astray.CODE}'"
        " QUALIFY ROW_NUMBER() OVER (PARTITION BY incident_id ORDER BY recorded_at DESC) = 1"
    )


def test_one_incident_says_how_many_and_goes_when_the_table_is_written_anew(
    world: QuickWorld,
) -> None:
    world.define(id="order", event_type="purchase")
    sound = purchase("T1", NOON)
    broken = [
        purchase("T2", 1420066800000000),
        purchase("T3", NOON * 1000),
        purchase("T4", None),
        purchase("T5", NOON // 1000),
        {**purchase("", -1), "event_name": "scroll"},
    ]
    world.export([sound, *broken])
    world.run(DAY)
    assert counts(world) == ["T1"]
    [incident] = told(world)
    assert (incident["state"], incident["severity"]) == ("open", "error")
    assert incident["object"] == f"{world.dataset}_ga4"
    assert "5 events of" in incident["detail"]
    assert "5 in events_20261110" in incident["detail"]
    assert "; 4 of them are events that" in incident["detail"]
    # told on, not anew: the same cause is the same incident
    world.run(DAY + timedelta(days=1))
    assert [row["state"] for row in told(world)] == ["open"]
    world.export([sound, purchase("T2", NOON + 1)])
    world.run(DAY + timedelta(days=2))
    assert counts(world) == ["T1", "T2"]
    assert [row["state"] for row in told(world)] == ["resolved"]


@pytest.mark.parametrize(("hours", "counted"), [(-87, False), (-85, True), (59, True), (61, False)])
def test_what_lies_within_three_days_before_and_a_day_after_is_no_fault(
    world: QuickWorld, hours: int, counted: bool
) -> None:
    world.define(id="order", event_type="purchase")
    last = DAY + timedelta(days=2)
    tables = [last - timedelta(days=number) for number in range(8)]
    at = NOON - 12 * HOUR + hours * HOUR
    noons = {day: NOON + 24 * HOUR * (2 - number) for number, day in enumerate(tables)}
    others = [{**purchase("", noon, day), "event_name": "x"} for day, noon in noons.items()]
    world.export([purchase("T1", at), *others])
    world.run(last, start_date=tables[-2], end_date=last)
    assert counts(world) == (["T1"] if counted else [])
    assert bool(told(world)) is not counted


def test_an_old_table_that_is_sound_does_not_end_what_a_newer_one_has(world: QuickWorld) -> None:
    world.define(id="order", event_type="purchase")
    old = DAY - timedelta(days=20)
    world.export([purchase("T0", NOON - 480 * HOUR, old), purchase("T1", -1), purchase("T2", NOON)])
    world.run(DAY)
    world.run(DAY, request_id="again", trigger="backfill", start_date=old, end_date=old)
    assert [row["state"] for row in told(world)] == ["open"]


def test_words_for_any_moment_and_any_number_of_tables() -> None:
    assert astray.moment(None) == "no time at all"
    assert astray.moment(1420066800000000) == "2014-12-31 23:00 UTC"
    assert astray.moment(2**63 - 1) == f"event_timestamp {2**63 - 1}"
    assert astray.moment(-(2**63)) == f"event_timestamp {-(2**63)}"
    tables = [
        {"property": property, "day": f"202611{day:02d}", "events": 1000, "staged": 0,
         "example": {"event_name": "scroll", "micros": 0}}
        for property in ("p.a", "p.b")
        for day in range(1, 9)
    ]  # fmt: skip
    first, second = astray.incidents(tables, LEASE)
    assert (first.object, second.object, first.severity) == ("p.a", "p.b", "warning")
    assert "8,000 events of p.a" in first.detail
    assert "1,000 in events_20261105, others in 3 tables more)" in first.detail
    assert first.identity != second.identity


def test_a_copy_under_a_name_that_is_no_day_stops_nothing(world: QuickWorld) -> None:
    world.define(id="order", event_type="purchase")
    world.export([purchase("T1", NOON)])
    world.export([{**purchase("T2", NOON), "event_date": "20261131"}])
    world.run(DAY)
    assert counts(world) == ["T1"]
