"""A filter can be drawn from what the property's events really hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.model import dimensions
from common.model.filters import Condition
from functions.api.definitions.dimensions import operators_of
from tests.api.conftest import PURCHASE, Harness, House


def event(name: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "at": datetime(2026, 11, 19, 10, number, tzinfo=UTC),
        "client": f"c{number}",
        "key": number,
        **more,
    }


EVENTS = [
    event("purchase", 1, country="France", params={"plan": "pro"}, items=[{"item_id": "A"}],
          properties={"tier": "gold"}),
    event("purchase", 2, country="France", params={"plan": "free"}, items=[{"item_id": "B"}]),
    event("purchase", 3, country="Spain", params={"plan": "pro"}, items=[{"item_id": "A"}]),
    event("generate_lead", 4, params={"score": 7}),
]  # fmt: skip


@pytest.fixture(scope="module")
def shop(open_house: Callable[[], House]) -> Harness:
    """A shop that counts purchases; its leads lie in the raw export only."""
    house = open_house()
    house.world.events(EVENTS)
    house.harness.save(PURCHASE)
    house.world.run(date(2026, 11, 19), start_date=date(2026, 11, 17))
    return house.harness


def names(shown: Any, group: str) -> dict[str, str]:
    return {d["name"]: d["type"] for d in shown["dimensions"] if d["group"] == group}


def test_built_in_dimensions_are_always_there(harness: Harness) -> None:
    shown = harness.get("/dimensions")
    assert set(names(shown, "event")) == set(dimensions.BUILT_IN)
    assert set(names(shown, "product")) == {f"items.{name}" for name in dimensions.ITEMS}
    assert names(shown, "event_params") == {}


def test_parameters_of_recent_events_are_listed(shop: Harness) -> None:
    assert names(shop.get("/dimensions"), "event_params")["event_params.plan"] == "either"


def test_many_parameters_leave_room_for_the_properties_of_users(
    shop: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.api.definitions.dimensions.MAXIMUM_KEYS", 1)
    shown = shop.get("/dimensions")
    assert len(names(shown, "event_params")) == 1
    assert names(shown, "user_properties") == {"user_properties.tier": "either"}


def test_parameters_of_an_event_that_no_conversion_counts_yet_come_from_the_export(
    shop: Harness,
) -> None:
    assert names(shop.get("/dimensions?event=generate_lead"), "event_params") == {
        "event_params.score": "number"
    }


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("event", {"purchase": 3, "generate_lead": 1}),
        ("event?search=lead", {"generate_lead": 1}),
        ("country", {"France": 2, "Spain": 1}),
        ("event_params.plan", {"pro": 2, "free": 1}),
        ("event_params.plan?search=FR", {"free": 1}),
        ("items.item_id", {"A": 2, "B": 1}),
        ("event_params.score?event=generate_lead", {"7": 1}),
        ("country?limit=1", {"France": 2}),
    ],
)
def test_values_come_with_how_often_they_occurred(
    shop: Harness, path: str, values: dict[str, int]
) -> None:
    name, _, query = path.partition("?")
    shown = shop.get(f"/dimensions/{name}/values?{query}")
    assert {value["value"]: value["events"] for value in shown["values"]} == values


def test_an_unknown_dimension_is_answered_with_its_neighbour(harness: Harness) -> None:
    answered = harness.ask("GET", "/dimensions/contry/values")
    assert (answered.status, answered.body["code"]) == (422, "unknown_dimension")
    assert "did you mean country" in answered.body["detail"]


@pytest.mark.parametrize("name", ["country", "transaction_total", "event_params.plan"])
def test_every_listed_operator_makes_a_filter(name: str) -> None:
    for operator in operators_of(dimensions.type_of(name)):
        text = name == "country" or any(part in operator for part in ("with", "contain", "regex"))
        one: Any = "1" if text else 1
        value = [one] if "one_of" in operator else one
        value = None if operator in ("is_missing", "is_present") else value
        assert Condition(dimension=name, operator=operator, value=value).sql().text
