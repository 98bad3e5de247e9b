"""A conversion table, its runs, services of ours and running platforms, for tests end to end."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, cast

import requests
from google.cloud import bigquery

from common import schemas
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import DefinitionVersion
from common.local import platforms
from common.local.platforms.standin import StandIn
from common.messaging.messages import Materialized, Message
from common.settings import Settings
from functions.export.payload.rows import ConversionRow
from functions.export.send import service
from functions.export.services import Services
from functions.export.transport.secrets import Secrets
from functions.export.transport.wire import Wire
from tests import leases
from tests.destinations.harness import HERE as CASES
from tests.destinations.harness import (
    NOW,
    PATIENCE,
    SECRETS,
    TestClock,
    google_token,
    load,
    no_secret_manager,
    sample_row,
)
from tests.quick import QuickWarehouse

_NAMES = count()


class Kill(BaseException):
    """The process ends here."""


class Killable:
    """A process that may be killed at any step; afterwards nothing answers."""

    def __init__(self) -> None:
        self.at: int | None = None
        self.steps = 0

    def step(self) -> None:
        """One more step; raises Kill at the one that was chosen and at all later ones."""
        self.steps += 1
        if self.at is not None and self.steps >= self.at:
            raise Kill

    def kill_at(self, step: int | None) -> None:
        """Choose the step to die at, counted from now."""
        self.steps, self.at = 0, step


class KillableWarehouse:
    """The verbs of a warehouse, each a step before and after."""

    def __init__(self, real: Warehouse, process: Killable) -> None:
        self.real = real
        self.process = process

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def rows(self, *arguments: Any, **named: Any) -> Any:
        self.process.step()
        return self.real.rows(*arguments, **named)

    def execute(self, *arguments: Any, **named: Any) -> Any:
        self.process.step()
        done = self.real.execute(*arguments, **named)
        self.process.step()
        return done

    def append(self, *arguments: Any, **named: Any) -> None:
        self.process.step()
        self.real.append(*arguments, **named)
        self.process.step()


class KillableWire(Wire):
    """A wire whose process may be killed before or after each request."""

    process: Killable

    def exchange(self, request: Any) -> Any:
        self.process.step()
        reply = super().exchange(request)
        self.process.step()
        return reply


@dataclass
class Bus:
    """Keeps what is published."""

    messages: list[Message] = field(default_factory=list)

    def publish(self, message: Message) -> None:
        self.messages.append(message)


@dataclass
class Shop:
    """One conversion `purchase` in a dataset of its own, and everything around it."""

    services: Services
    clock: TestClock
    bus: Bus
    stand_ins: dict[str, StandIn]
    warehouse: Warehouse
    process: Killable
    table: dict[str, ConversionRow] = field(default_factory=dict)

    def add_destination(
        self, kind: str, *, now: datetime = NOW - timedelta(days=60), **changes: Any
    ) -> DefinitionVersion:
        """Save the config of a kind's plain case, with changes; two months ago unless told."""
        config = {**load(CASES / kind / "plain" / "target.json"), **changes}
        config.setdefault("start_date", "2026-01-01")
        from functions.export.destinations.registry import CONFIG

        definition = CONFIG.validate_python(config).model_dump(mode="json")
        return self.services.catalog.save(definition, now=now, author="test")

    def put(self, id: str, **changes: Any) -> None:
        """Set a row as materialize would leave it."""
        own = {"order_id": id, "msclkid": f"click-{id}", "email": f"{id}@example.com"}
        row = sample_row(id=id, **{**own, **changes})
        self.table[id] = replace(row, row_hash=hash(repr(row)) % 2**60, updated_at=self.clock.now())

    def materialize(self, conversion: str = "purchase", **run: Any) -> None:
        """Write the table anew and book the run."""
        warehouse, name = self.warehouse, f"conversion_{conversion}"
        warehouse.ensure_table(warehouse.path(name), "conversion")
        warehouse.execute(Sql(f"DELETE FROM {warehouse.table(name)} WHERE TRUE"))
        load_rows(warehouse, name, [record(row) for row in self.table.values()])
        now = self.clock.now()
        entry = {
            "date": now.date(),
            "recorded_at": now,
            "run_id": "m",
            "conversion": conversion,
            "status": "applied",
            "start_date": (now - timedelta(days=90)).date(),
            "end_date": now.date(),
            "rows_read": len(self.table),
        }
        warehouse.append("runs", [entry | run])

    def export(self, conversion: str = "purchase") -> None:
        """Handle the message that materialize sends."""
        self.handle(self.materialized(conversion))

    def handle(self, message: Message) -> None:
        service.handle(self.services, message)

    def materialized(self, conversion: str = "purchase") -> Materialized:
        day = self.clock.now().date()
        return Materialized(
            run_id="m", conversion=conversion, definition_version=1, start_date=day, end_date=day
        )

    def passes(self, **time: float) -> None:
        """Let time pass."""
        self.clock.time += timedelta(**time)

    def free_leases(self) -> None:
        """What ten minutes do after a holder died."""
        leases.free(self.warehouse)

    def states(self, conversion: str = "purchase") -> dict[str, str]:
        """Newest state of each conversion."""
        attempts = self.warehouse.table("export_attempts")
        sql = f"""
          SELECT attempt.conversion_id, attempt.state FROM {attempts} AS attempt
          WHERE attempt.conversion = '{conversion}'
          QUALIFY ROW_NUMBER() OVER (
            PARTITION BY attempt.conversion_id
            ORDER BY attempt.recorded_at DESC, attempt.fence DESC, attempt.seq DESC) = 1"""
        return {row["conversion_id"]: row["state"] for row in self.query(sql)}

    def query(self, sql: str) -> list[dict[str, Any]]:
        return list(self.warehouse.rows(Sql(sql)))

    def all_of(self, table: str) -> list[dict[str, Any]]:
        return self.query(f"SELECT * FROM {self.warehouse.table(table)}")


FIXED = """definitions erasures conversion_changes runs incidents export_attempts export_requests
audience_members""".split()
TABLES = (*FIXED, *schemas.buckets("leases"))


@contextmanager
def shop(
    client: bigquery.Client | None = None,
    *,
    secret_manager: Callable[[], Any] = no_secret_manager,
) -> Iterator[Shop]:
    """A fresh shop: on the embedded engine over HTTP with a client, else straight on DuckDB."""
    # one name for all, so that each statement is translated once
    dataset = f"export_{next(_NAMES)}" if client else "export"
    settings = Settings(
        project="test-project", dataset=dataset, staging_dataset=f"{dataset}_s", currency="EUR"
    )
    warehouse = Warehouse(client, settings) if client else QuickWarehouse(settings)
    warehouse.ensure_dataset(f"test-project.{dataset}")
    for table in TABLES:
        warehouse.ensure_table(warehouse.path(table), schemas.shape_of(table) or "")
    with opened(warehouse, secret_manager=secret_manager) as here:
        yield here
    if client:
        client.delete_dataset(f"test-project.{dataset}", delete_contents=True)


@contextmanager
def opened(
    warehouse: Warehouse,
    clock: TestClock | None = None,
    *,
    process: Killable | None = None,
    secret_manager: Callable[[], Any] = no_secret_manager,
) -> Iterator[Shop]:
    """Export over this warehouse, and running platforms."""
    clock, process = clock or TestClock(), process or Killable()
    bus, session = Bus(), requests.Session()
    with platforms.serving(clock.now) as running, session:
        wire = KillableWire(
            session,
            Secrets(SECRETS, secret_manager),
            google_token,
            running.endpoints,
            read_seconds=PATIENCE,
            clock=clock.elapsed,
        )
        wire.process = process
        killable = cast("Warehouse", KillableWarehouse(warehouse, process))
        services = Services(killable, wire, clock, lambda: bus, random.Random(1))
        yield Shop(services, clock, bus, running.stand_ins, warehouse, process)


def record(row: ConversionRow) -> dict[str, Any]:
    """The row as a line of a load job."""
    names = [
        name
        for name in ConversionRow.__slots__
        if name not in ("birth_date", "opted_out", "country_of_visit")
    ]
    values = {name: getattr(row, name) for name in names}
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in values.items()
    } | {"params": []}


def load_rows(warehouse: Warehouse, table: str, rows: list[dict[str, Any]]) -> None:
    """Rows into one of the tables that materialize makes."""
    path = warehouse.path(table)
    if isinstance(warehouse, QuickWarehouse):
        warehouse.load(path, schemas.load("conversion")["schema"], rows)
    elif rows:
        schema = warehouse.client.get_table(path).schema
        config = bigquery.LoadJobConfig(schema=schema, write_disposition="WRITE_APPEND")
        warehouse.client.load_table_from_json(rows, path, job_config=config).result()
