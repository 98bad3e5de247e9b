"""Whole runs over raw GA4 shards: incremental equals full, twice is once, nothing is lost."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import pytest

from common.bigquery.leases.lease import acquire, table_of
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Executed
from common.catalog import plan
from common.errors import ConflictError, QuotaError, RetryableError, UserError
from common.incidents.incidents import IncidentLog
from common.messaging.messages import (
    CrmLoaded,
    Ga4Exported,
    Materialized,
    MaterializeTask,
    RunRequested,
    ScoreTask,
    Watchdog,
)
from common.model.window import Window
from functions.materialize import merge
from functions.materialize.ledger import Clock, Ledger
from functions.materialize.runs.run import handle, release
from functions.materialize.stage import fill
from functions.materialize.task import work
from tests import leases
from tests.materialize.histories import Crash, Worker
from tests.materialize.world import QuickWorld, World

PURCHASE: dict[str, Any] = {"id": "purchase", "event_type": "purchase", "refunds": {"days": 30}}
DAY = date(2026, 11, 10)
SHOP = [
    {"key": 1, "at": "2026-11-08T10:00:00Z", "name": "session_start", "client": "a", "session": 7,
     "gclid": "G1", "page": "https://shop.example/?gclid=G1"},
    {"key": 2, "at": "2026-11-08T10:05:00Z", "name": "purchase", "client": "a", "session": 7,
     "order": "T1", "value": 100, "currency": "USD"},
    {"key": 3, "at": "2026-11-08T10:06:00Z", "name": "purchase", "client": "a", "session": 7,
     "order": "T1", "value": 100, "currency": "USD"},
    {"key": 4, "at": "2026-11-09T10:00:00Z", "name": "purchase", "client": "b",
     "order": "(not set)", "value": 5.5, "currency": "USD"},
    {"key": 5, "at": "2026-11-09T11:00:00Z", "name": "purchase", "client": "c", "order": "",
     "value": 7, "currency": "USD"},
    {"key": 6, "at": "2026-11-10T09:00:00Z", "name": "refund", "order": "T1", "refund_value": 30,
     "currency": "USD"},
]  # fmt: skip


def at(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def shop() -> list[dict[str, Any]]:
    return [{**row, "at": at(str(row["at"]))} for row in SHOP]


def test_a_run_makes_conversions_from_raw_events(wire: World) -> None:
    world = wire
    world.events(shop())
    world.define(**PURCHASE)
    world.run(DAY)
    rows = world.rows("purchase", "client_id", "value", "value_gross", "refund_status", "gclid")
    assert rows == [
        {"client_id": "a", "value": 70.0, "value_gross": 100.0, "refund_status": "partial",
         "gclid": "G1"},
        {"client_id": "b", "value": 5.5, "value_gross": 5.5, "refund_status": "none",
         "gclid": None},
        {"client_id": "c", "value": 7.0, "value_gross": 7.0, "refund_status": "none",
         "gclid": None},
    ]  # fmt: skip
    entry = world.ledger("purchase", status="applied")[0]
    assert (entry["inserted"], entry["duplicates"], entry["value_total"]) == (3, 1, 82.5)


def test_one_view_shows_the_rows_of_all_conversions(wire: World) -> None:
    wire.define(**PURCHASE)
    wire.events(shop())
    wire.run(DAY)
    wire.define(**{**PURCHASE, "id": "another", "refunds": None})
    wire.run(DAY, request_id="once more")
    view = wire.warehouse.path("conversions")
    rows = wire.query(
        f"SELECT definition_id, COUNT(*) AS rows_ FROM `{view}` WHERE date > '2026-11-01'"
        " GROUP BY definition_id ORDER BY definition_id"
    )
    assert [tuple(row.values()) for row in rows] == [("another", 3), ("purchase", 3)]


def test_a_second_run_changes_nothing(world: QuickWorld) -> None:
    world.events(shop())
    world.define(**PURCHASE)
    world.run(DAY)
    before = world.query(
        f"SELECT * FROM `{world.warehouse.path('conversion_purchase')}` ORDER BY id"
    )
    world.run(DAY, request_id="again")
    after = world.query(
        f"SELECT * FROM `{world.warehouse.path('conversion_purchase')}` ORDER BY id"
    )
    assert before == after
    assert world.ledger("purchase")[-1]["status"] == "unchanged"


def test_a_redelivered_tick_is_the_same_run(world: QuickWorld) -> None:
    world.events(shop())
    world.define(**PURCHASE)
    world.run(DAY)
    entries = len(world.ledger("purchase"))
    world.run(DAY)
    assert len(world.ledger("purchase")) == entries


def test_days_one_by_one_equal_one_full_run(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.define(
        id="seven",
        event_type="custom_event",
        filters={"dimension": "event", "operator": "equals", "value": "generate_lead"},
        deduplicate_by_user=True,
        deduplication_days=7,
    )
    leads = [
        {"key": 100 + n, "at": at(f"2026-11-{day:02d}T12:00:00Z"), "name": "generate_lead",
         "client": client}
        for n, (day, client) in enumerate(
            [(8, "a"), (8, "b"), (9, "a"), (12, "a"), (15, "a"), (15, "b"), (16, "a"), (17, "b")]
        )
    ]  # fmt: skip
    late = {"key": 50, "at": at("2026-11-09T12:00:00Z"), "name": "purchase", "client": "d",
            "order": "T9", "value": 9, "currency": "USD"}  # fmt: skip
    whole = [*shop(), late, *leads]
    for offset in range(-2, 8):
        day = DAY + timedelta(days=offset)
        known = [
            row for row in whole if row["at"].date() <= day and (row is not late or offset > 0)
        ]
        world.events([row for row in known if (day - row["at"].date()).days < 4])
        world.run(day)
    daily = {id: world.rows(id) for id in ("purchase", "seven")}
    for id in daily:
        world.warehouse.drop(world.warehouse.path(f"conversion_{id}"))
    world.run(DAY + timedelta(days=7), request_id="full", start_date=date(2026, 11, 1))
    full = {id: world.rows(id) for id in ("purchase", "seven")}
    assert daily == full
    assert [row["id"] for row in full["purchase"]].count("T9") == 1
    assert len(full["seven"]) == 4


@pytest.mark.parametrize(("removes", "refunded"), [(True, 2), (False, 0)])
def test_what_a_full_refund_removed_is_told_apart(
    world: QuickWorld, removes: bool, refunded: int
) -> None:
    """Rows that it leaves with the value 0 count, and an order's second row is a duplicate."""
    world.define(**{**PURCHASE, "refunds": {"days": 30, "remove_fully_refunded": removes}})
    world.events([
        {"name": "purchase", "at": at(f"2026-11-0{1 + number}T10:00:00Z"), "client": "c",
         "order": order, "value": 50, "currency": "USD"}
        for number, order in enumerate(["T1", "T1", "T2", "T3", "T4"])
    ])  # fmt: skip
    # T1 and T2 went back whole, and T3 in part
    world.events([
        {"name": "refund", "at": at(f"2026-{day}T09:00:00Z"), "order": order, "refund_value": back,
         "currency": "USD"}
        for order, day, back in [("T1", "11-08", 50), ("T2", "11-09", 50), ("T3", "11-09", 20)]
    ])  # fmt: skip
    world.run(DAY)
    (entry,) = world.ledger("purchase", status="applied")
    names = "rows_read duplicates quarantined refunded rows_total"
    assert [entry[name] for name in names.split()] == [5, 1, 0, refunded, 4 - refunded]


def test_a_purchase_of_the_past_month_is_no_new_one(world: QuickWorld) -> None:
    world.define(**{**PURCHASE, "refunds": None})
    world.events(shop())
    world.run(DAY)
    crawl = {"key": 90, "at": at("2026-12-20T10:00:00Z"), "name": "purchase", "client": "crawler",
             "order": "T1", "value": 100, "currency": "USD"}  # fmt: skip
    world.events([crawl])
    world.run(date(2026, 12, 20))
    assert [row["id"] for row in world.rows("purchase", "id")].count("T1") == 1
    # after the missed days its window holds the earlier duplicate of T1 as well
    assert world.ledger("purchase")[-1]["duplicates"] == 2


def test_a_day_that_vanishes_is_held_until_a_person_forces_it(world: QuickWorld) -> None:
    world.define(**{**PURCHASE, "refunds": None})
    world.events(shop())
    world.run(DAY)
    world.replace(f"{world.dataset}_ga4.events_20261108", _schema(), [])
    world.replace(f"{world.dataset}_ga4.events_20261109", _schema(), [])
    world.replace(f"{world.dataset}_ga4.events_20261110", _schema(), [])
    world.run(DAY, request_id="half")
    assert len(world.rows("purchase", "id")) == 3
    assert "suspicious_shrink" in open_incidents(world)
    world.run(DAY, request_id="half again")
    assert "suspicious_shrink" in open_incidents(world)
    world.run(DAY, request_id="forced", force=True)
    assert world.rows("purchase", "id") == []
    assert "suspicious_shrink" not in open_incidents(world)


def test_an_export_that_can_be_read_again_is_no_incident(
    world: QuickWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    with monkeypatch.context() as patched:
        patched.setattr(fill, "_read", broken)
        world.run(DAY)
    assert open_incidents(world) == ["query_failed"]
    world.run(DAY, request_id="mended")
    assert open_incidents(world) == []


def open_incidents(world: QuickWorld) -> list[str]:
    """The codes of what is open."""
    found = world.query(
        f"SELECT code, state FROM `{world.warehouse.path('incidents')}` QUALIFY"
        " ROW_NUMBER() OVER (PARTITION BY incident_id ORDER BY recorded_at DESC, state DESC) = 1"
    )
    return sorted(row["code"] for row in found if row["state"] == "open")


def test_the_history_tells_what_changed_and_why(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.events([row for row in shop() if row["name"] != "refund"])
    world.run(DAY - timedelta(days=1))
    world.events([row for row in shop() if row["name"] == "refund"])
    world.run(DAY)
    changes = world.query(
        "SELECT id, change, cause, old_value, new_value FROM "
        f"`{world.warehouse.path('conversion_changes')}` WHERE id = 'T1' ORDER BY changed_at"
    )
    assert [(c["change"], c["cause"], c["old_value"], c["new_value"]) for c in changes] == [
        ("insert", "backfill", None, 100.0),
        ("update", "refund", 100.0, 70.0),
    ]


def test_an_edited_definition_rewrites_history_with_its_cause(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    world.run(DAY)
    over = {"dimension": "transaction_total", "operator": "greater_than", "value": 6}
    world.define(**PURCHASE, filters=over)
    world.run(DAY, request_id="edited")
    assert [row["value"] for row in world.rows("purchase", "value")] == [70.0, 7.0]
    world.define(**PURCHASE)
    world.run(DAY, request_id="back again")
    causes = world.query(
        "SELECT change, cause, COUNT(*) AS changes"
        f" FROM `{world.warehouse.path('conversion_changes')}` GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert [(c["change"], c["cause"], c["changes"]) for c in causes] == [
        ("delete", "definition_change", 1),
        ("insert", "backfill", 3),
        ("insert", "definition_change", 1),
    ]


def test_a_row_that_leaves_and_returns_has_three_changes(world: QuickWorld) -> None:
    path = "test-project.quick_crm.orders"
    schema = [
        {"name": "id", "type": "STRING"},
        {"name": "client_id", "type": "STRING"},
        {"name": "created", "type": "TIMESTAMP"},
        {"name": "date", "type": "DATE"},
    ]
    orders = [
        {"id": id, "client_id": "1.1", "created": at("2026-11-08T10:00:00Z"),
         "date": date(2026, 11, 8)}
        for id in ("stays", "leaves")
    ]  # fmt: skip
    sql = (
        f"SELECT id, client_id, created FROM `{path}` WHERE date BETWEEN @start_date AND @end_date"
    )
    world.define(id="order", kind="custom", sql=sql, adjustment_days=30)
    for day, present in ((9, orders), (10, orders[:1]), (11, orders)):
        world.replace(path, schema, present)
        world.run(date(2026, 11, day))
    assert [row["id"] for row in world.rows("order", "id")] == ["leaves", "stays"]
    shown = world.query(
        f"SELECT change, cause FROM `{world.warehouse.path('conversion_changes')}`"
        " WHERE id = 'leaves' ORDER BY changed_at"
    )
    assert [(one["change"], one["cause"]) for one in shown] == [
        ("insert", "backfill"),
        ("delete", "crm_change"),
        ("insert", "crm_change"),
    ]


def test_a_combined_conversion_follows_its_members_in_the_same_run(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.define(**{**PURCHASE, "id": "again", "refunds": None})
    world.define(
        id="both", kind="combined", conversions=["purchase", "again"], deduplication_days=1
    )
    world.events(shop())
    world.run(DAY)
    assert [row["component"] for row in world.rows("both", "component")] == ["purchase"] * 3
    order = [m.conversion for m in world.bus.published if isinstance(m, Materialized)]
    assert order.index("both") > max(order.index("purchase"), order.index("again"))


def test_normalized_conversions_are_worth_as_much_as_their_reference(world: QuickWorld) -> None:
    world.define(**{**PURCHASE, "refunds": None})
    world.define(
        id="cart",
        event_type="custom_event",
        filters={"dimension": "event", "operator": "equals", "value": "add_to_cart"},
        value={"type": "none"},
        normalize={"by": "purchase", "days": 7},
    )
    carts = [
        {"key": 200 + n, "at": at("2026-11-09T08:00:00Z"), "name": "add_to_cart", "client": f"c{n}"}
        for n in range(40)
    ]
    orders = [
        {"key": 300 + n, "at": at("2026-11-09T09:00:00Z"), "name": "purchase", "client": f"c{n}",
         "order": f"O{n}", "value": 20, "currency": "USD"}
        for n in range(30)
    ]  # fmt: skip
    world.events([*carts, *orders])
    world.run(DAY)
    rows = world.rows("cart", "value", "value_project", "currency", "value_kind")
    assert len(rows) == 40
    assert {tuple(row.values()) for row in rows} == {(15.0, 15.0, "USD", "normalized")}


def test_a_factor_counts_what_the_export_says_of_other_currencies(world: QuickWorld) -> None:
    """Without a table of rates, half of its money was left out and the other half doubled."""
    world.define(**PURCHASE)
    world.define(**{**PURCHASE, "id": "same", "normalize": {"by": "purchase", "days": 7}})
    abroad = {"currency": "EUR", "in_usd": 22}
    world.events(
        {"key": n, "at": at("2026-11-09T09:00:00Z"), "name": "purchase", "client": f"c{n}",
         "order": f"O{n}", "value": 20, "currency": "USD", **(abroad if n % 2 else {})}
        for n in range(60)
    )  # fmt: skip
    world.run(DAY)
    assert {row["normalization_factor"] for row in world.rows("same", "normalization_factor")} == {
        1.0
    }


def test_a_crm_load_runs_exactly_the_conversions_that_read_its_table(world: QuickWorld) -> None:
    path = f"{world.dataset}_crm.orders"
    schema = [
        {"name": "order_id", "type": "STRING"},
        {"name": "client", "type": "STRING"},
        {"name": "confirmed_at", "type": "TIMESTAMP"},
        {"name": "total", "type": "FLOAT"},
        {"name": "date", "type": "DATE"},
    ]
    order = {"order_id": "A", "client": "1.1", "confirmed_at": at("2026-11-10T10:00:00Z"),
             "total": 50.0, "date": DAY}  # fmt: skip
    world.replace(path, schema, [order])
    sql = (
        "SELECT order_id AS id, client AS client_id, confirmed_at AS created, total AS value "
        f"FROM `{path}` WHERE date BETWEEN @start_date AND @end_date"
    )
    world.define(id="order", kind="custom", sql=sql, adjustment_days=30, reads=(path,))
    world.define(**PURCHASE)
    world.now = at("2026-11-11T06:00:00Z")
    load = CrmLoaded(source="erp", table=path, partitions=(DAY,), load_id="1")
    world.handle(load)
    assert world.rows("order", "id", "value") == [{"id": "A", "value": 50.0}]
    assert world.ledger("purchase") == []
    world.replace(path, schema, [{**order, "total": 60.0}, {**order, "order_id": "B"}])
    world.handle(load)
    assert len(world.rows("order", "id")) == 1, "the same load is the same run"
    world.handle(load.model_copy(update={"load_id": "2"}))
    assert [row["value"] for row in world.rows("order", "value")] == [60.0, 50.0]


def test_leads_are_scored_when_they_are_loaded_not_when_their_day_is_over(
    world: QuickWorld,
) -> None:
    source = {"type": "crm", "crm": "hubspot", "dataset": "test-project.quick_crm"}
    contacts = "test-project.quick_crm.contact"
    world.define(id="scored", kind="lead_scoring", source=source, reads=(contacts,))
    world.define(**PURCHASE)
    world.now = at("2026-11-11T14:05:00Z")
    world.bus.published.clear()
    world.handle(CrmLoaded(source="crm", table=contacts, load_id="1"))
    (asked,) = [each for each in world.bus.published if isinstance(each, ScoreTask)]
    today = date(2026, 11, 11)
    assert (asked.conversion, asked.trigger, asked.end_date) == ("scored", "load", today)


def test_a_load_of_who_is_who_runs_nobody_who_only_asks_for_it(world: QuickWorld) -> None:
    orders = "test-project.quick_crm.orders"
    columns = {"id": "STRING", "client_id": "STRING", "user_id": "STRING", "created": "TIMESTAMP"}
    schema = [{"name": name, "type": type_, "mode": "NULLABLE"} for name, type_ in columns.items()]
    world.replace(orders, schema, [])
    world.define(id="order", kind="custom", sql=f"SELECT * FROM `{orders}`", reads=(orders,))
    world.define(id="first", event_type="purchase", deduplicate_by_user=True)
    world.events(shop())
    # alone it runs as well, although nobody can tell it anything yet
    world.run(DAY, conversions=("first",))
    assert [row["client_id"] for row in world.rows("first", "client_id")] == ["a", "b", "c"]
    world.handle(CrmLoaded(source="erp", table=orders, load_id="1"))
    assert world.ledger("order")[-1]["status"] == "unchanged"
    assert {entry["run_id"] for entry in world.ledger("first")}.isdisjoint(
        entry["run_id"] for entry in world.ledger("order")
    )


def test_a_broken_value_costs_the_value_and_opens_an_incident(world: QuickWorld) -> None:
    world.define(**{**PURCHASE, "refunds": None})
    broken = {"key": 70, "at": at("2026-11-09T12:00:00Z"), "name": "purchase", "client": "x",
              "order": "N", "value": -5.0, "currency": "USD"}  # fmt: skip
    world.events([*shop(), broken])
    world.run(DAY)
    found = {row["id"]: row for row in world.rows("purchase", "id", "value", "value_problem")}
    assert found["N"] == {"id": "N", "value": None, "value_problem": "negative_value"}
    assert "values_unreadable" in world.incidents()


def test_a_row_that_stays_broken_is_set_aside_once(world: QuickWorld) -> None:
    path = "test-project.quick_crm.orders"
    schema = [
        {"name": "id", "type": "STRING"},
        {"name": "client_id", "type": "STRING"},
        {"name": "created", "type": "TIMESTAMP"},
        {"name": "date", "type": "DATE"},
    ]
    broken = {"id": " ", "client_id": "1.1", "created": at("2026-11-08T10:00:00Z"),
              "date": date(2026, 11, 8)}  # fmt: skip
    columns = "id, client_id, created"
    sql = f"SELECT {columns} FROM `{path}` WHERE date BETWEEN @start_date AND @end_date"
    world.define(id="order", kind="custom", sql=sql, adjustment_days=30)
    aside = []
    for day, client in ((9, "1.1"), (10, "1.1"), (11, "2.2")):
        world.replace(path, schema, [{**broken, "client_id": client}])
        world.run(date(2026, 11, day))
        aside.append(world.query(f"SELECT * FROM `{world.warehouse.path('quarantine')}`"))
    assert [len(rows) for rows in aside] == [1, 1, 2]
    # each run says all the same that it found one
    assert [entry["quarantined"] for entry in world.ledger("order", status="unchanged")] == [1] * 3


def test_a_second_trigger_waits_for_the_first_and_is_run_by_it(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    other = acquire(world.warehouse, "purchase", "somebody else")
    assert other is not None
    world.run(DAY)
    assert world.ledger("purchase")[-1]["status"] == "coalesced"
    state = world.query(f"SELECT pending FROM `{world.warehouse.path(table_of('purchase'))}`"
                        " WHERE name = 'purchase'")  # fmt: skip
    assert MaterializeTask.model_validate_json(state[0]["pending"]).conversion == "purchase"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [3, 7, 10, 12, 13])
def test_a_crash_at_any_statement_heals_with_the_next_delivery(
    world: QuickWorld, number: int, after: bool
) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    world.run(DAY)
    whole = world.rows("purchase")
    world.warehouse.drop(world.warehouse.path("conversion_purchase"))
    task = MaterializeTask(
        run_id="crash", conversion="purchase", definition_version=1, tier=0,
        start_date=date(2026, 11, 1), end_date=DAY, trigger="manual",
    )  # fmt: skip
    with pytest.raises(Crash):
        handle(world.services(warehouse=Worker(world.quick, number, after=after)), task)
    world.handle(task)
    assert world.rows("purchase") == whole
    fences = [e["fence"] for e in world.ledger("purchase") if e["run_id"] == "crash"]
    assert len(fences) == len(set(fences))


def test_an_export_that_was_incomplete_is_no_concern_once_it_is_whole(world: QuickWorld) -> None:
    for day, status in ((9, "INCOMPLETE"), (8, "FAILED"), (9, "COMPLETE")):
        world.now += timedelta(hours=1)
        world.handle(
            Ga4Exported(
                property="1",
                export_date=date(2026, 11, day),
                status=status,
                logged_at=at("2026-11-10T07:00:00Z"),
            )
        )
    log = IncidentLog(world.warehouse, "materialize", world.services().ledger.now)
    open_now = [row["object"] for row in log._present(subject="") if "export" in row["code"]]
    assert open_now == ["1 2026-11-08"]


def test_older_days_that_a_lapsed_holder_read_are_not_booked(
    world: QuickWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.events(shop())
    merged = fill._merge

    def taken_over(*written: Any) -> None:
        leases.lapse(world.warehouse)
        assert acquire(world.warehouse, fill.LEASE, "another")
        merged(*written)

    monkeypatch.setattr(fill, "_merge", taken_over)
    ledger = Ledger(world.warehouse, at("2026-11-11T06:00:00Z"))
    window = Window(date(2026, 11, 8), date(2026, 11, 9))
    with pytest.raises(RetryableError):
        fill.remember(world.warehouse, ledger, window, "run", Clock(world.seconds))
    for table in ("ga4_shards", "ga4_clicks"):
        name = world.warehouse.table(table)
        assert world.query(f"SELECT COUNT(*) AS n FROM {name}") == [{"n": 0}]


def test_the_watchdog_publishes_what_never_ended(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    world.now = at("2026-11-11T06:00:00Z")
    handle(world.services(), RunRequested(request_id="lost"))
    world.bus.queue.clear()
    world.now += timedelta(hours=2)
    world.handle(Watchdog())
    assert world.ledger("purchase")[-1]["status"] == "applied"


@pytest.mark.parametrize(
    ("at_work", "step", "told"),
    [(plan, "windows", ["requested"]), (Ledger, "plan", ["requested", "staged"])],
)
def test_a_run_that_died_before_its_plan_is_seen_and_asked_for_again(
    world: QuickWorld, monkeypatch: pytest.MonkeyPatch, at_work: Any, step: str, told: list[str]
) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    world.now = at("2026-11-11T06:00:00Z")
    with monkeypatch.context() as dying:
        dying.setattr(at_work, step, dead)
        with pytest.raises(Crash):
            handle(world.services(), RunRequested(request_id="lost"))
    assert [entry["status"] for entry in world.ledger()] == told
    world.now += timedelta(hours=2)
    world.handle(Watchdog())
    assert world.ledger("purchase")[-1]["status"] == "applied"


def test_a_run_that_died_between_late_days_and_its_plan_still_counts_them(
    world: QuickWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has read into the stage is nothing new any more, and counted nowhere yet."""
    world.define(id="purchase", event_type="purchase")
    late = {**shop()[1], "key": 9, "at": at("2026-10-20T10:00:00Z"), "order": "LATE"}
    first = {**late, "key": 8, "at": at("2026-10-10T10:00:00Z"), "order": "FIRST"}
    world.events([first, *shop()])
    world.run(DAY)
    world.events([late])
    world.now += timedelta(days=1)
    request = world.tick("next")
    with monkeypatch.context() as dying:
        dying.setattr(Ledger, "plan", dead)
        with pytest.raises(Crash):
            handle(world.services(), request)
    world.now += timedelta(hours=1)
    world.handle(request)
    assert "LATE" in {row["id"] for row in world.rows("purchase", "id")}


def test_a_day_that_lands_late_moves_the_beginning_of_no_conversion(world: QuickWorld) -> None:
    """Whoever began it later wanted none of the days before, and they are not counted by halves."""
    order = shop()[1]
    early = {**order, "key": 8, "at": at("2026-10-10T10:00:00Z"), "order": "EARLY"}
    between = {**order, "key": 10, "at": at("2026-10-25T10:00:00Z"), "order": "BETWEEN"}
    world.define(id="purchase", event_type="purchase")
    world.events([early, between, *shop()])
    world.run(DAY)
    world.define(id="later", event_type="purchase")
    world.now += timedelta(hours=5)
    days = {"conversions": ("later",), "start_date": date(2026, 11, 1)}
    world.handle(RunRequested(request_id="begun", **days))
    world.events([{**order, "key": 9, "at": at("2026-10-20T10:00:00Z"), "order": "LATE"}])
    world.run(DAY + timedelta(days=1))
    rows = {id: {row["id"] for row in world.rows(id, "id")} for id in ("purchase", "later")}
    assert rows["purchase"] - rows["later"] == {"EARLY", "LATE", "BETWEEN"}


def test_a_late_day_reaches_whom_the_run_that_read_it_left_behind(
    world: QuickWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of one conversion read it, and the next one's task failed: the day was old by then."""
    late = {**shop()[1], "key": 9, "at": at("2026-10-20T10:00:00Z"), "order": "LATE"}
    first = {**late, "key": 8, "at": at("2026-10-10T10:00:00Z"), "order": "FIRST"}
    for id in ("purchase", "other"):
        world.define(id=id, event_type="purchase")
    world.events([first, *shop()])
    world.run(DAY)
    world.events([late])
    world.now += timedelta(hours=5)
    world.handle(RunRequested(request_id="one", conversions=("purchase",)))
    with monkeypatch.context() as failing:
        failing.setattr(work, "_write", broken)
        world.run(DAY + timedelta(days=1))
    world.run(DAY + timedelta(days=2))
    for id in ("purchase", "other"):
        assert "LATE" in {row["id"] for row in world.rows(id, "id")}, id
    world.run(DAY + timedelta(days=3))
    assert world.ledger("other")[-1]["start_date"] > date(2026, 11, 1), "it is not read each day"


@pytest.mark.parametrize("dies", [False, True])
def test_who_counted_while_the_stage_was_written_counts_again(
    world: QuickWorld, monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    """An earlier run's task began after the run that reads a late day, and read before it wrote."""
    late = {**shop()[1], "key": 9, "at": at("2026-10-20T10:00:00Z"), "order": "LATE"}
    first = {**late, "key": 8, "at": at("2026-10-10T10:00:00Z"), "order": "FIRST"}
    for id in ("purchase", "other"):
        world.define(id=id, event_type="purchase")
    world.events([first, *shop()])
    world.run(DAY)
    world.now += timedelta(days=1)
    days = {"trigger": "backfill", "start_date": date(2026, 10, 9), "conversions": ("other",)}
    handle(world.services(), RunRequested(request_id="earlier", **days))
    waiting = [world.bus.queue.pop()]
    world.events([late])
    asked = RunRequested(request_id="next", conversions=() if dies else ("purchase",))
    seconds, merged = iter((0.0,)), fill._merge

    def between(*facts: Any) -> None:
        if waiting:
            world.now += timedelta(seconds=20)
            handle(world.services(), waiting.pop())
        merged(*facts)

    reading = replace(world.services(), seconds=lambda: next(seconds, 30.0))
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(fill, "_merge", between)
        if dies:
            meanwhile.setattr(Ledger, "plan", dead)
        with pytest.raises(Crash) if dies else nullcontext():
            handle(reading, asked)
    world.now += timedelta(hours=1)
    world.handle(asked if dies else RunRequested(request_id="last"))
    assert "LATE" in {row["id"] for row in world.rows("other", "id")}


def test_an_old_order_reaches_whom_the_run_that_read_it_left_behind(world: QuickWorld) -> None:
    order = shop()[1]
    again = {**order, "key": 9, "at": at("2026-10-20T10:00:00Z"), "order": "AGAIN"}
    for id in ("purchase", "other"):
        world.define(id=id, event_type="purchase")
    old = {**order, "key": 8, "at": at("2025-01-10T10:00:00Z"), "order": "OLD"}
    world.events([old, again, *shop()])
    world.run(DAY)
    world.events([{**again, "key": 10, "at": at("2025-01-12T10:00:00Z")}])
    world.now += timedelta(hours=5)
    world.handle(RunRequested(request_id="one", conversions=("purchase",)))
    world.run(DAY + timedelta(days=1))
    for id in ("purchase", "other"):
        assert "AGAIN" not in {row["id"] for row in world.rows(id, "id")}, id
    for day in (2, 3):
        world.run(DAY + timedelta(days=day))
    assert world.ledger("other")[-1]["start_date"] > date(2026, 11, 1), "it is not read each day"


def test_days_between_are_not_passed_over_by_a_run_of_later_ones(world: QuickWorld) -> None:
    world.define(id="purchase", event_type="purchase")
    order = shop()[1]
    world.events([
        {**order, "key": 8, "at": at("2026-10-10T10:00:00Z"), "order": "FIRST"},
        {**order, "key": 9, "at": at("2026-10-20T10:00:00Z"), "order": "BETWEEN"},
        *shop(),
    ])  # fmt: skip
    world.run(date(2026, 10, 11))
    world.now = at("2026-11-11T06:00:00Z")
    days = {"start_date": date(2026, 11, 9), "end_date": DAY}
    world.handle(RunRequested(trigger="backfill", request_id="later", **days))
    assert "BETWEEN" in {row["id"] for row in world.rows("purchase", "id")}


def test_a_run_of_named_days_leaves_no_hours_of_their_tables_behind(world: QuickWorld) -> None:
    world.property_timezone = "Asia/Tokyo"
    world.define(id="purchase", event_type="purchase")
    order = shop()[1]
    landed = [{**order, "key": 8, "at": at("2026-10-01T10:00:00Z"), "order": "FIRST"}, *shop()]
    world.events(landed)
    world.run(DAY)
    late = [
        # of one daily table
        {**order, "key": 9, "at": at("2026-10-19T20:00:00Z"), "order": "EVENING"},
        {**order, "key": 10, "at": at("2026-10-20T10:00:00Z"), "order": "MORNING"},
    ]
    world.events([*landed, *late])
    world.now += timedelta(hours=1)
    days = {"start_date": date(2026, 10, 20), "end_date": date(2026, 10, 20)}
    world.handle(RunRequested(trigger="backfill", request_id="later", **days))
    world.run(DAY + timedelta(days=1))
    assert {"EVENING", "MORNING"} <= {row["id"] for row in world.rows("purchase", "id")}


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
def test_a_run_names_the_day_after_where_it_counts_something_of_it(
    world: QuickWorld, zone: str
) -> None:
    world.property_timezone = zone
    world.define(id="purchase", event_type="purchase")
    # in California still the evening of DAY
    night = datetime(DAY.year, DAY.month, DAY.day, 2, tzinfo=UTC) + timedelta(days=1)
    evening = {**shop()[1], "key": 9, "at": night, "order": "EVENING"}
    world.events(shop() if zone == "UTC" else [*shop(), evening])
    world.run(DAY + timedelta(days=1))
    detail = world.ledger("purchase")[-1]["detail"]
    after = f"newest table tells of {DAY + timedelta(days=1)}"
    assert (after in (detail or "")) == (zone != "UTC")


def dead(*_: object) -> None:
    raise Crash


def broken(*_: object) -> None:
    raise UserError("A table is gone.", code="query_failed")


def test_a_run_that_cannot_be_planned_says_why(
    world: QuickWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise UserError("The stage is not to be read.", code="query_failed")

    monkeypatch.setattr(plan, "windows", refused)
    world.define(**PURCHASE)
    world.run(DAY)
    assert [entry["status"] for entry in world.ledger()] == ["requested", "failed"]
    assert world.ledger()[-1]["detail"] == "The stage is not to be read."
    assert world.incidents() == ["query_failed"]


def test_a_task_waits_for_a_quota_of_the_day_and_goes_on_by_itself(
    world: QuickWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten years of more than eight conversions in a day pass BigQuery's 30,000 partitions."""

    def used_up(*_: object) -> None:
        raise QuotaError("Number of partition modifications", fix="Wait.")

    world.define(**PURCHASE)
    world.events(shop())
    with monkeypatch.context() as patched:
        patched.setattr(merge, "merge_with_history", used_up)
        world.run(DAY)
        world.now += timedelta(hours=1)
        world.handle(Watchdog())
    assert {entry["status"] for entry in world.ledger("purchase")} == {"planned"}
    assert world.incidents() == ["quota_exceeded"]
    world.now += timedelta(hours=1)
    world.handle(Watchdog())
    assert world.ledger("purchase")[-1]["status"] == "applied"


def test_a_first_run_of_days_before_the_export_says_which_days_there_are(
    world: QuickWorld,
) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    world.now = datetime(2026, 11, 11, 6, tzinfo=UTC)
    world.handle(world.tick("early", end_date=date(2026, 1, 31)))
    [entry] = world.ledger("purchase")
    assert entry["status"] == "held"
    assert entry["detail"].endswith(" GA4's tables are of 2026-11-08 to 2026-11-10.")


def test_a_run_of_nothing_ends(world: QuickWorld) -> None:
    world.run(DAY)
    assert [entry["status"] for entry in world.ledger()] == ["requested", "unchanged"]


def test_a_conversion_without_success_is_reported_as_stale(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.now += timedelta(hours=27)
    world.handle(Watchdog())
    assert world.incidents() == ["stale"]


def test_a_long_backfill_goes_on_chunk_by_chunk(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    world.run(DAY, start_date=DAY - timedelta(days=200))
    statuses = [entry["status"] for entry in world.ledger("purchase")]
    assert statuses == ["planned", "continued", "continued", "applied"]


def test_a_long_run_asks_for_the_scores_of_all_its_days(world: QuickWorld) -> None:
    """Not only for those of the last part, which would leave all others without a value."""
    target = {"target": "deal", "window_days": 40}
    path = f"{world.dataset}_crm.leads"
    columns = ("id", "client_id", "user_id", "created")
    types = {"created": "TIMESTAMP"}
    schema = [{"name": name, "type": types.get(name, "STRING")} for name in columns]
    days = [DAY - timedelta(days=ago) for ago in (200, 100, 5)]
    leads = [
        {"id": f"{day}", "client_id": "1.1", "user_id": "u", "created": at(f"{day}T10:00:00Z")}
        for day in days
    ]
    world.replace(path, schema, leads)
    for id in ("deal", "lead"):
        predicted = {"predicted_value": target} if id == "lead" else {}
        world.define(
            id=id, kind="custom", sql=f"SELECT * FROM `{path}`", reads=(path,), **predicted
        )
    world.bus.published.clear()
    world.run(DAY, start_date=DAY - timedelta(days=200))
    (asked,) = [each for each in world.bus.published if isinstance(each, ScoreTask)]
    assert (asked.start_date, asked.end_date) == (DAY - timedelta(days=200), DAY)
    world.warehouse.append("lead_scores", [scored_lead(lead, 12.0) for lead in leads])
    scored = asked.model_dump() | {"kind": "materialize", "trigger": "scores"}
    world.handle(MaterializeTask(**scored))
    assert [row["value"] for row in world.rows("lead", "value")] == [12.0] * 3
    assert world.ledger("lead")[-1]["status"] == "applied"


def scored_lead(lead: dict[str, Any], value: float) -> dict[str, Any]:
    moments = dict.fromkeys(("created", "scored_at", "as_of"), lead["created"])
    return {
        **moments, "date": lead["created"].date(), "conversion": "lead", "id": lead["id"],
        "model_id": "m", "probability": 0.5, "promised_value": value, "is_qualified": True,
    }  # fmt: skip


def tasks(world: QuickWorld) -> list[MaterializeTask]:
    """The tasks that were published and not yet carried out."""
    found = [m for m in world.bus.queue if isinstance(m, MaterializeTask)]
    world.bus.queue.clear()
    return found


def test_a_task_that_ended_is_not_done_again_but_said_again(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    world.run(DAY)
    task = MaterializeTask.model_validate_json(world.ledger("purchase")[0]["message"])
    entries = len(world.ledger("purchase"))
    world.bus.published.clear()
    statements = world.quick.statements
    world.handle(task)
    assert len(world.ledger("purchase")) == entries
    assert world.quick.statements - statements < 5
    assert [type(message) for message in world.bus.published] == [Materialized]


def ended(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, int]]:
    """Severity, status and conversions of each run that was said to have ended."""
    lines = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    return [
        (line["severity"], line["status"], line["count"])
        for line in lines
        if line["event"] == "run_ended"
    ]


def test_a_run_says_once_that_it_has_ended_and_how(
    world: QuickWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.define(**PURCHASE)
    world.define(**{**PURCHASE, "id": "again"})
    world.events(shop())
    world.now = at("2026-11-11T06:00:00Z")
    handle(world.services(), RunRequested(request_id="one"))
    first, second = tasks(world)
    handle(world.services(), first)
    assert ended(capsys) == []
    handle(world.services(), second)
    assert ended(capsys) == [("INFO", "finished", 2)]
    handle(world.services(), first)
    handle(world.services(), second)
    assert ended(capsys) == []


def test_a_run_that_cannot_be_planned_ends_as_failed(
    world: QuickWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.define(**PURCHASE)
    handle(world.services(), RunRequested(request_id="one", conversions=("nothing",)))
    assert [(severity, status) for severity, status, _ in ended(capsys)] == [("ERROR", "failed")]


def test_a_tier_that_two_workers_end_together_is_released_once(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.define(**{**PURCHASE, "id": "again"})
    world.define(id="both", kind="combined", conversions=["purchase", "again"])
    world.events(shop())
    world.now = at("2026-11-11T06:00:00Z")
    handle(world.services(), RunRequested(request_id="one"))
    first = tasks(world)
    for task in first:
        handle(world.services(), task)
    assert [task.conversion for task in tasks(world)] == ["both"]
    release(world.services(), first[0].run_id, after=0, again=False)
    assert tasks(world) == []
    release(world.services(), first[0].run_id)
    assert [task.conversion for task in tasks(world)] == ["both"]


def test_only_the_first_caller_of_an_id_has_the_claim(wire: World) -> None:
    id = f"{wire.settings.dataset}_run_tier_1"
    assert [wire.warehouse.claim(id) for _ in range(3)] == [True, False, False]


def test_a_definition_that_is_edited_after_the_plan_gets_a_run_of_its_own(
    world: QuickWorld,
) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    world.now = at("2026-11-11T06:00:00Z")
    handle(world.services(), RunRequested(request_id="one"))
    (task,) = tasks(world)
    world.define(**{**PURCHASE, "value": {"type": "manual", "amount": 3}})
    world.handle(task)
    statuses = [entry["status"] for entry in world.ledger("purchase")]
    assert statuses == ["planned", "superseded", "planned", "applied"]
    assert world.ledger("purchase")[-1]["definition_version"] == 2
    assert [row["value_gross"] for row in world.rows("purchase", "value_gross")] == [3.0] * 3


def test_a_conversion_that_is_archived_after_the_plan_keeps_nobody_waiting(
    world: QuickWorld,
) -> None:
    for id in ("purchase", "again", "third"):
        world.define(**{**PURCHASE, "id": id})
    world.define(id="both", kind="combined", conversions=["purchase", "again"])
    world.events(shop())
    world.now = at("2026-11-11T06:00:00Z")
    handle(world.services(), RunRequested(request_id="one"))
    world.catalog.save(
        world.catalog.get("third").definition, now=world.now, author="test", status="archived"
    )
    for task in tasks(world):
        world.handle(task)
    assert world.ledger("third")[-1]["status"] == "superseded"
    assert world.ledger("both")[-1]["status"] == "applied"


def test_a_worker_that_was_overtaken_writes_neither_rows_nor_books(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    world.now = at("2026-11-11T06:00:00Z")
    handle(world.services(), RunRequested(request_id="one"))
    (task,) = tasks(world)
    slow = Worker(world.quick)

    def overtake() -> None:
        leases.lapse(world.warehouse)
        handle(world.services(), task.model_copy(update={"run_id": "other"}))

    slow.before_merge = overtake
    with pytest.raises(RetryableError, match="taken over"):
        handle(world.services(warehouse=slow), task)
    assert [e["status"] for e in world.ledger("purchase") if e["fence"]] == ["applied"]
    assert len(world.rows("purchase", "id")) == 3
    shown = world.query(f"SELECT id FROM `{world.warehouse.path('conversion_changes')}`")
    assert len(shown) == 3
    world.handle(task)
    assert world.ledger("purchase")[-1]["status"] == "unchanged"


def test_a_third_trigger_does_not_push_the_second_one_out(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    assert acquire(world.warehouse, "purchase", "somebody else")
    world.run(DAY)
    world.run(DAY, request_id="third")
    pending = world.query(f"SELECT pending FROM `{world.warehouse.path(table_of('purchase'))}`"
                          " WHERE name = 'purchase'")  # fmt: skip
    waiting = [MaterializeTask.model_validate_json(each).run_id
               for each in pending[0]["pending"].splitlines()]  # fmt: skip
    assert len(set(waiting)) == 2


def test_who_waited_is_run_even_when_the_holder_fails(world: QuickWorld) -> None:
    broken = {"id": "order", "kind": "custom", "sql": "DELETE FROM `x.y.z` WHERE TRUE"}
    world.define(**broken)
    world.now = at("2026-11-11T06:00:00Z")
    handle(world.services(), RunRequested(request_id="one"))
    (task,) = tasks(world)
    other = task.model_copy(update={"run_id": "other"})
    # of the first holder ever nobody is awaited
    assert acquire(world.warehouse, "order", "whoever died")
    leases.lapse(world.warehouse)
    holder = Worker(world.quick)
    original = holder.forestall

    def forestall(job_id: str) -> bool:
        handle(world.services(), other)
        return original(job_id)

    holder.forestall = forestall  # type: ignore[method-assign]
    handle(world.services(warehouse=holder), task)
    assert world.ledger("order", run_id=task.run_id)[-1]["status"] == "failed"
    assert [waiting.run_id for waiting in tasks(world)] == ["other"]


def test_what_an_account_that_is_no_more_has_run_stops_nobody(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    renewed = Worker(world.quick)

    def forestall(job_id: str) -> bool:
        raise ConflictError(f"Another account has run the job {job_id}.", code="duplicate")

    renewed.forestall = forestall  # type: ignore[method-assign]
    world.warehouse = renewed
    world.run(DAY)
    assert world.ledger("purchase")[-1]["status"] == "applied"


def test_a_run_of_one_takes_along_what_it_needs_and_what_never_ran(world: QuickWorld) -> None:
    world.define(**PURCHASE)
    world.define(**{**PURCHASE, "id": "again"})
    world.define(id="both", kind="combined", conversions=["purchase", "again"])
    world.events(shop())
    world.run(DAY, conversions=("both",))
    assert world.ledger("both")[-1]["status"] == "applied"
    world.run(DAY, request_id="second", conversions=("both",))
    assert len(world.ledger("purchase", status="planned")) == 1


def _schema() -> list[dict[str, Any]]:
    from tests.materialize.world import ga4_schema

    return ga4_schema()


class Counting(Worker):
    """Counts the statements that change each table."""

    changes: ClassVar[Counter[str]] = Counter()

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        if changed := re.match(r"(?:UPDATE|INSERT INTO|MERGE(?: INTO)?)\s+`([^`]+)`", code(sql)):
            self.changes[changed[1]] += 1
        return super().submit(sql, job_id)


def code(sql: Sql) -> str:
    """The statement without comments."""
    return re.sub(r"(?m)^\s*--.*$", "", sql.text).strip()


def test_ten_deaths_in_a_row_lose_nothing_and_stay_within_bigquerys_limit(
    world: QuickWorld,
) -> None:
    world.define(**PURCHASE)
    world.events(shop())
    world.now = at("2026-11-11T06:00:00Z")
    request = world.tick("one")
    Counting.changes.clear()
    for dies_at in range(2, 32, 3):
        world.bus.queue.clear()
        with pytest.raises(Crash):
            handle(world.services(warehouse=Counting(world.quick, dies_at)), request)
    # the watchdog would find the run, wherever it died
    world.now += timedelta(minutes=30)
    world.bus.queue.clear()
    handle(world.services(), Watchdog())
    assert request.model_dump() in [message.model_dump() for message in world.bus.queue]
    world.bus.queue.clear()
    world.handle(request)
    assert [row["value"] for row in world.rows("purchase", "value")] == [70, 5.5, 7]
    # BigQuery takes 25 changes of one table in 10 seconds; ten deaths take longer than that
    assert Counting.changes
    assert max(Counting.changes.values()) <= 25, Counting.changes


@pytest.mark.parametrize("asked", ["tick", "load"])
def test_a_request_that_is_delivered_three_times_is_one_run(world: QuickWorld, asked: str) -> None:
    # Source: googleapis/google-cloud-node#2756, googleapis/google-cloud-python#4648
    id = define_for(world, asked)
    world.now = at("2026-11-11T06:00:00Z")
    load = CrmLoaded(source="t", table=DEALS, partitions=["2026-11-10"], load_id="L-1")
    request = load if asked == "load" else world.tick("one")
    for _ in range(2):
        handle(world.services(), request)
    for task in [message for message in world.bus.queue if isinstance(message, MaterializeTask)]:
        handle(world.services(), task)
    world.bus.queue.clear()
    before = world.rows(id)
    world.handle(request)
    assert world.rows(id) == before
    assert [entry["status"] for entry in world.ledger(id)] == ["planned", "applied"]
    ready = [message for message in world.bus.published if isinstance(message, Materialized)]
    assert len({(message.run_id, message.conversion) for message in ready}) == 1
    shown = world.query(f"SELECT id FROM `{world.warehouse.path('conversion_changes')}`")
    assert len(shown) == len(before)


DEALS = "test-project.quick_crm.deals"


def define_for(world: QuickWorld, asked: str) -> str:
    """The conversion that a tick or a load of deals computes, with something to count."""
    if asked == "tick":
        world.define(**PURCHASE)
        world.events(shop())
        return "purchase"
    columns = {"id": "STRING", "client_id": "STRING", "created": "TIMESTAMP", "date": "DATE"}
    deal = {"id": "D1", "client_id": "1.1", "created": at("2026-11-10T10:00:00Z"), "date": DAY}
    world.replace(DEALS, [{"name": it, "type": type_} for it, type_ in columns.items()], [deal])
    days = "date BETWEEN @start_date AND @end_date"
    sql = f"SELECT id, client_id, created FROM `{DEALS}` WHERE {days}"
    world.define(id="deal", kind="custom", sql=sql, reads=(DEALS,))
    return "deal"
