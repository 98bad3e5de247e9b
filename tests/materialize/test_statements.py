"""Every statement of a run: GoogleSQL accepts it, and both engines make the same rows of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.bigquery.leases.lease import acquire, table_of
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Executed
from common.messaging.messages import CrmLoaded, MaterializeTask, RunRequested, Watchdog
from functions.materialize.runs.run import handle
from tests import leases
from tests.judge import Rows, Schema, analyze, evaluate
from tests.materialize.histories import Crash, Worker
from tests.materialize.world import QuickWorld, ga4_schema

DAY = date(2026, 11, 10)
PATH = re.compile(r"`([\w-]+\.\w+\.[\w-]+)`")
WILDCARD = re.compile(r"`([\w-]+\.\w+)\.(events_\d*)\*`")
MADE = re.compile(r"CREATE OR REPLACE TABLE `([^`]+)` (?:CLUSTER BY \S+ )?AS\n(.*)", re.DOTALL)
CLOCKED = {"first_seen_at", "updated_at"}
"""Columns that hold the moment of the statement itself."""
LISTS = "TO_JSON_STRING(made.items)"
"""Whole numbers inside a list are spelled 6 by BigQuery and 6.0 by the embedded engine, so that a
fingerprint over lists is each engine's own; no row ever goes from one to the other. The rows of the
stage get the judge's own fingerprints before it judges a difference."""
STAGE = "test-project.quick.ga4_events"

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
LEADS = {"dimension": "event", "operator": "equals", "value": "generate_lead"}
DEFINITIONS: list[dict[str, Any]] = [
    {"id": "purchase", "event_type": "purchase", "refunds": {"days": 30}},
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


class Listening(Worker):
    """Keeps each statement, the schemas of its tables, and of a new table what it was made from."""

    def __init__(self, world: QuickWorld) -> None:
        super().__init__(world.quick)
        self.heard: dict[str, tuple[Sql, dict[str, Schema]]] = {}
        self.made: list[tuple[Sql, dict[str, Rows], list[dict[str, Any]]]] = []

    def rows(self, sql: Sql, **options: Any) -> Iterator[dict[str, Any]]:
        self._hear(sql)
        return super().rows(sql, **options)

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        self._hear(sql)
        if not (made := MADE.fullmatch(sql.text)):
            return super().submit(sql, job_id)
        tables = {path: Rows(shape, self._all(path)) for path, shape in self._named(made[2])}
        tables |= {f"{dataset}.{prefix}*": self._export(dataset, prefix)
                   for dataset, prefix in WILDCARD.findall(sql.text)}  # fmt: skip
        done = super().submit(sql, job_id)
        query = Sql(made[2], sql.parameters)
        self.made.append((query, tables, self._all(made[1])))
        return done

    def _all(self, path: str) -> list[dict[str, Any]]:
        return list(self._rows_of(Sql(f"SELECT * FROM `{path}`")))

    def _export(self, dataset: str, prefix: str) -> Rows:
        """All shards of the prefix as the one table that a wildcard makes of them."""
        suffix = {"name": "_TABLE_SUFFIX", "type": "STRING", "mode": "NULLABLE"}
        rows = [
            {**row, "_TABLE_SUFFIX": name.removeprefix(prefix)}
            for name in self.tables_in(dataset)
            if name.startswith(prefix)
            for row in self._all(f"{dataset}.{name}")
        ]
        return Rows([*ga4_schema(), suffix], rows)

    def _rows_of(self, sql: Sql) -> Iterator[dict[str, Any]]:
        return super().rows(sql)

    def _named(self, text: str) -> list[tuple[str, Schema]]:
        found = ((path, self.schema_of(path)) for path in sorted(set(PATH.findall(text))))
        return [(path, schema) for path, schema in found if schema is not None]

    def _hear(self, sql: Sql) -> None:
        shape = re.sub(r"\d{9,}", "n", sql.text)
        if shape not in self.heard:
            self.heard[shape] = (sql, dict(self._named(sql.text)))


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
        analyze(sql.text, {**tables, **export}, types)


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
    judged = {"scan": 0, "stage over a stage": 0, "other": 0}
    for sql, tables, rows in listening.made:
        parameters = {name: (bound.type, bound.value) for name, bound in sql.parameters.items()}
        own, kind = {"row_hash"} if LISTS in sql.text else set(), "other"
        if WILDCARD.search(sql.text):
            kind = "scan"
        elif own and tables[STAGE].rows:
            kind = "stage over a stage"
            tables = {**tables, STAGE: refingered(sql, tables, parameters, rows)}
        found = evaluate(sql.text, tables, parameters)
        assert plain(found, own) == plain(rows, own), sql.text
        judged[kind] += bool(rows)
    assert judged["scan"] >= 1
    assert judged["stage over a stage"] >= 1
    assert judged["other"] >= len(DEFINITIONS)


def refingered(
    sql: Sql, tables: Mapping[str, Rows], parameters: dict[str, Any], rows: list[dict[str, Any]]
) -> Rows:
    """The stage with the judge's own fingerprints of the rows that the engine found unchanged."""
    stage = tables[STAGE]
    made = evaluate(sql.text, {**tables, STAGE: Rows(stage.schema)}, parameters)
    changed = {row["event_key"] for row in rows}
    hashes = {row["event_key"]: row["row_hash"] for row in made if row["event_key"] not in changed}
    kept = [
        {**row, "row_hash": hashes.get(row["event_key"], row["row_hash"])} for row in stage.rows
    ]
    return Rows(stage.schema, kept)


def plain(rows: list[dict[str, Any]], own: set[str]) -> list[str]:
    """Rows in an order of their own, floats to nine digits, without what is the engine's own."""
    left_out = CLOCKED | own
    return sorted(
        repr([(name, _plain(value)) for name, value in sorted(row.items()) if name not in left_out])
        for row in rows
    )


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return round(value, 9) if isinstance(value, float) else value
