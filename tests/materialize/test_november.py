"""Real GA4 days, counted by the product in three runs and by plain Python in one pass.

The purchases are those of Google's public sample, November 2020; tests/local/test_load.py names
their source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from common.model.window import Window
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
            shown = parameter["value"]
            candidates.append(shown["string_value"] or shown["int_value"])
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


def test_what_a_person_is_told_of_the_month_is_true(november: QuickWorld) -> None:
    told = november.query(
        f"SELECT DISTINCT code, object, detail FROM `{november.warehouse.path('incidents')}`"
    )
    shown = {f"{day:%Y%m%d}" for day in Window(date(2020, 11, 1), RUNS[-1]).dates}
    missing = sorted(shown - {event["event_date"] for event in events()})
    # the sample has purchases of 23 days: the others have no table here
    gaps = sorted({row["object"] for row in told if row["code"] == "ga4_day_missing"})
    assert gaps == [day for day in missing if f"{date_before(day):%Y%m%d}" not in missing]
    without = sum(order_id(event) is None for event in events())
    assert {row["code"]: row["detail"].split(" of the")[0] for row in told
            if row["code"] != "ga4_day_missing"} == {
        "orders_without_id": f"{without} of {len(events()):,} purchases"
    }  # fmt: skip


def date_before(day: str) -> date:
    return date.fromisoformat(day) - timedelta(days=1)


APP: list[dict[str, Any]] = [
    # what Firebase exports of an app without commerce: no items, no ecommerce, no web_info
    {"name": "event_date", "type": "STRING"},
    {"name": "event_timestamp", "type": "INTEGER"},
    {"name": "event_name", "type": "STRING"},
    {"name": "event_params", "type": "RECORD", "mode": "REPEATED", "fields": [
        {"name": "key", "type": "STRING"},
        {"name": "value", "type": "RECORD", "fields": [
            {"name": "string_value", "type": "STRING"}, {"name": "int_value", "type": "INTEGER"},
            {"name": "float_value", "type": "FLOAT"}, {"name": "double_value", "type": "FLOAT"}]}]},
    {"name": "event_value_in_usd", "type": "FLOAT"},
    {"name": "event_bundle_sequence_id", "type": "INTEGER"},
    {"name": "user_id", "type": "STRING"},
    {"name": "user_pseudo_id", "type": "STRING"},
    {"name": "user_properties", "type": "RECORD", "mode": "REPEATED", "fields": [
        {"name": "key", "type": "STRING"},
        {"name": "value", "type": "RECORD", "fields": [
            {"name": "string_value", "type": "STRING"},
            {"name": "set_timestamp_micros", "type": "INTEGER"}]}]},
    {"name": "device", "type": "RECORD", "fields": [
        {"name": "category", "type": "STRING"}, {"name": "mobile_model_name", "type": "STRING"},
        {"name": "operating_system", "type": "STRING"}, {"name": "language", "type": "STRING"}]},
    {"name": "geo", "type": "RECORD", "fields": [{"name": "country", "type": "STRING"}]},
    {"name": "app_info", "type": "RECORD", "fields": [
        {"name": "id", "type": "STRING"}, {"name": "version", "type": "STRING"}]},
    {"name": "stream_id", "type": "STRING"},
    {"name": "platform", "type": "STRING"},
]  # fmt: skip
INSTANCE = "ab12cd34ef56ab12cd34ef56ab12cd34"


def app_event(
    second: int, name: str, dollars: float | None = None, **params: Any
) -> dict[str, Any]:
    """An event of one phone on 2020-11-02; its visit is told on session_start alone."""
    at = datetime(2020, 11, 2, 9, 0, second, tzinfo=UTC)
    if name == "session_start":
        params |= {"ga_session_id": 1604307600}
    kinds: dict[type, str] = {int: "int_value", float: "double_value", str: "string_value"}
    return {
        "event_date": "20201102",
        "event_timestamp": int(at.timestamp() * 1_000_000),
        "event_name": name,
        "event_params": [{"key": key, "value": {kinds[type(value)]: value}}
                         for key, value in params.items()],
        "event_value_in_usd": dollars,
        "event_bundle_sequence_id": second,
        "user_pseudo_id": INSTANCE,
        "device": {"category": "mobile", "operating_system": "ANDROID", "language": "de-de"},
        "geo": {"country": "Germany"},
        "app_info": {"id": "com.example.shop", "version": "3.1"},
        "stream_id": "2001",
        "platform": "ANDROID",
    }  # fmt: skip


def test_an_app_of_firebase_runs_beside_the_web_export() -> None:
    web = [event for event in events() if event["event_date"] <= "20201102"]
    shared = next(id for event in web if (id := order_id(event)))
    world = QuickWorld(properties=("ga4", "app"))
    world.define(id="purchase", **PURCHASE)
    form = {"dimension": "event", "operator": "equals", "value": "in_app_purchase"}
    world.define(id="in_app", event_type="custom_event", filters=form)
    land(world, after=date(2020, 10, 31), until=date(2020, 11, 2))
    shown = [
        app_event(0, "session_start"),
        app_event(1, "firebase_campaign", source="newsletter", medium="email", gclid="APP-CLICK"),
        app_event(2, "purchase", 20.0, transaction_id="A-1", value=20.0, currency="USD"),
        # the number of an order of the web shop: another property, another order
        app_event(3, "purchase", 5.0, transaction_id=shared, value=5.0, currency="USD"),
        app_event(4, "in_app_purchase", 4.99, product_id="gold", value=4_990_000, currency="USD"),
        app_event(4, "in_app_purchase", 4.99, product_id="gold", value=4_990_000, currency="USD"),
    ]
    world.replace(f"{world.dataset}_app.events_20201102", APP, shown)
    world.run(date(2020, 11, 2))
    found = world.rows("purchase", "id", "client_id", "value", "gclid", "session_id")
    of_app = [row for row in found if row["client_id"] == INSTANCE]
    assert {(row["id"], row["value"], row["gclid"]) for row in of_app} == {
        (f"A-1@{world.settings.ga4_datasets[1].split('.')[1]}", 20.0, "APP-CLICK"),
        (f"{shared}@{world.settings.ga4_datasets[1].split('.')[1]}", 5.0, "APP-CLICK"),
    }
    assert [row["value"] for row in world.rows("in_app", "value")] == [4.99]
    # and the web is counted as it is alone
    of_web = [event for event in stored(world, "purchase") if event[1] != INSTANCE]
    assert of_web == counted(orders(web))
    assert world.incidents() == []
    world.close()
