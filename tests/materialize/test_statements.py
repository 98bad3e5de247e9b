"""Every statement of a run: GoogleSQL accepts it, and both engines make the same rows of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.bigquery.leases.lease import acquire, table_of
from common.bigquery.sql import Sql
from common.messaging.messages import CrmLoaded, MaterializeTask, RunRequested, Watchdog
from functions.materialize.runs.run import handle
from tests import leases
from tests.judge import analyze
from tests.materialize.histories import Crash, Worker
from tests.materialize.listening import WILDCARD, Listening, assert_judge_agrees
from tests.materialize.world import QuickWorld, ga4_schema

DAY = date(2026, 11, 10)
ORDERS: list[dict[str, Any]] = [
    {"name": "id", "type": "STRING", "mode": "NULLABLE"},
    {"name": "client_id", "type": "STRING", "mode": "NULLABLE"},
    {"name": "user_id", "type": "STRING", "mode": "NULLABLE"},
    {"name": "created", "type": "TIMESTAMP", "mode": "NULLABLE"},
    {"name": "value", "type": "FLOAT", "mode": "NULLABLE"},
    {"name": "currency", "type": "STRING", "mode": "NULLABLE"},
    {"name": "lead_id", "type": "STRING", "mode": "NULLABLE"},
    {"name": "date", "type": "DATE", "mode": "NULLABLE"},
]
METADATA = {
    "test-project.quick_ga4.INFORMATION_SCHEMA.PARTITIONS": [
        {"name": "table_name", "type": "STRING"},
        {"name": "partition_id", "type": "STRING"},
        {"name": "total_rows", "type": "INTEGER"},
        {"name": "total_logical_bytes", "type": "INTEGER"},
    ]
}
"""What BigQuery says of tables themselves.
Source: cloud.google.com/bigquery/docs/information-schema-partitions."""
LEADS = {"dimension": "event", "operator": "equals", "value": "generate_lead"}
DEFINITIONS: list[dict[str, Any]] = [
    {"id": "purchase", "event_type": "purchase", "refunds": {"days": 30}},
    {"id": "large", "event_type": "purchase", "refunds": {"days": 30},
     "filters": {"dimension": "transaction_total", "operator": "greater_than", "value": 70}},
    {"id": "first", "event_type": "purchase", "deduplicate_by_user": True},
    {"id": "lead", "event_type": "custom_event", "filters": LEADS, "once_per_session": True,
     "deduplicate_by_user": True, "deduplication_days": 2},
    {"id": "scaled", "event_type": "custom_event", "filters": LEADS, "value": {"type": "none"},
     "normalize": {"by": "purchase", "days": 7}},
    {"id": "both", "kind": "combined", "conversions": ["purchase", "lead"],
     "deduplication_days": 1},
    {"id": "order", "kind": "custom", "adjustment_days": 5, "inherit_attribution_from": "lead",
     "sql": "SELECT id, client_id, created, value, currency, lead_id"
            " FROM `test-project.quick_crm.orders` WHERE date BETWEEN @start_date AND @end_date",
     "reads": ("test-project.quick_crm.orders",)},
    {"id": "customer", "kind": "custom", "sql": "SELECT id, client_id, user_id, created"
     " FROM `test-project.quick_crm.orders` WHERE date BETWEEN @start_date AND @end_date",
     "reads": ("test-project.quick_crm.orders",)},
]  # fmt: skip


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def everything(world: QuickWorld, listening: Listening) -> None:
    """Runs in which everything happens that a run can meet."""
    for definition in DEFINITIONS:
        world.define(**definition)
    sales = [
        {"name": "purchase", "at": at(day), "client": client, "order": f"T{day}", "key": day,
         "value": 10.5 * day, "currency": currency, "session": day, "user": user}
        for day, client, currency, user in
        [(6, "a", "USD", "u"), (7, "b", "EUR", "u"), (8, "c", "JPY", None), (9, "d", None, None)]
    ]  # fmt: skip
    more = [
        {"name": "session_start", "at": at(7, 8), "client": "b", "gclid": "G", "session": 7},
        {"name": "refund", "at": at(10), "order": "T7", "refund_value": 3.25, "currency": "USD"},
        {"name": "purchase", "at": at(9, 12), "client": "x", "order": "N", "value": -5.0},
        *({"name": "generate_lead", "at": at(day, 10), "client": "a", "key": 50 + day,
           "session": day // 2} for day in (6, 7, 9, 10)),
    ]  # fmt: skip
    order = {"id": "O1", "client_id": None, "created": at(9), "value": 20.0, "currency": "eur",
             "user_id": None, "lead_id": "ga4-none", "date": date(2026, 11, 9)}  # fmt: skip
    world.replace("test-project.quick_crm.orders", ORDERS, [order])
    world.replace("test-project.quick_crm.rates", RATES, [
        {"date": "2026-11-05", "currency": "EUR", "rate": 1.1}])  # fmt: skip
    world.events([*sales, *more])
    shown(world, listening, RunRequested(request_id="1", start_date=at(5).date()), at(11, 6))
    world.events([*sales[1:], *more])
    # the CRM knows by now that d is a device of the user of a and b
    changed = {**order, "value": 21.0, "client_id": "d", "user_id": "u"}
    world.replace("test-project.quick_crm.orders", ORDERS, [
        changed, {**order, "id": "O2"}, {**order, "id": None}])  # fmt: skip
    shown(world, listening, RunRequested(request_id="2"), at(12, 6))
    load = CrmLoaded(source="erp", table="test-project.quick_crm.orders", load_id="9")
    shown(world, listening, load, at(12, 7))
    busy = acquire(world.warehouse, "purchase", "somebody else")
    assert busy is not None
    shown(world, listening, RunRequested(request_id="3"), at(12, 8))
    leases.free(world.warehouse)
    crash = MaterializeTask(
        run_id="crash", conversion="first", definition_version=1, tier=0,
        start_date=at(5).date(), end_date=DAY, trigger="manual",
    )  # fmt: skip
    world.warehouse.execute(
        Sql(f"DELETE FROM {world.warehouse.table('conversion_first')} WHERE TRUE")
    )
    with suppress(Crash):
        handle(world.services(warehouse=Worker(world.quick, 11, after=True)), crash)
    shown(world, listening, crash, at(12, 9))
    shown(world, listening, Watchdog(), at(14, 9))


RATES = [
    {"name": "date", "type": "DATE", "mode": "NULLABLE"},
    {"name": "currency", "type": "STRING", "mode": "NULLABLE"},
    {"name": "rate", "type": "FLOAT", "mode": "NULLABLE"},
]


def shown(world: QuickWorld, listening: Listening, message: Any, now: datetime) -> None:
    """The message and all that follows from it, carried out by the listening worker."""
    world.now = now
    queue = [message]
    while queue:
        following = queue.pop(0)
        if getattr(following, "kind", "") not in ("materialized", "score"):
            handle(world.services(warehouse=listening), following)
        queue += world.bus.queue
        world.bus.queue.clear()


@pytest.fixture(scope="module")
def listening() -> Iterator[Listening]:
    world = QuickWorld(has_rates=True)
    made = Listening(world)
    everything(world, made)
    yield made
    world.close()


def test_googlesql_accepts_every_statement(listening: Listening) -> None:
    kinds = {sql.text.split()[0] for sql, _ in listening.heard.values()}
    assert kinds >= {"CREATE", "INSERT", "MERGE", "SELECT", "UPDATE", "WITH"}
    for sql, tables in listening.heard.values():
        types = {name: bound.type for name, bound in sql.parameters.items()}
        export = {f"{dataset}.{prefix}*": ga4_schema()
                  for dataset, prefix in WILDCARD.findall(sql.text)}  # fmt: skip
        analyze(sql.text, {**tables, **export, **METADATA}, types)


def test_every_write_of_the_protocol_was_heard(listening: Listening) -> None:
    texts = " ".join(sql.text for sql, _ in listening.heard.values())
    for name in (
        table_of("order"),
        "conversion_changes",
        "quarantine",
        "ga4_events",
        "conversion_both",
    ):
        assert (
            f"INTO `test-project.quick.{name}`" in texts
            or f"UPDATE `test-project.quick.{name}`" in texts
        )


def test_both_engines_make_the_same_rows(listening: Listening) -> None:
    for made in listening.made:
        assert_judge_agrees(made)
    told = [made for made in listening.made if made.rows]
    assert any(made.is_scan for made in told)
    assert {"ga4_events", "ga4_visits"} <= {made.target.split(".")[-1] for made in told}
    assert len(told) > len(DEFINITIONS)
