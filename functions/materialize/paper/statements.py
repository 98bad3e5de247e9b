"""The statements of a daily run of one definition, in order, each under its step's name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from common import schemas
from common.bigquery.sql import Sql
from common.catalog import plan
from common.catalog.definitions import Catalog, DefinitionVersion
from common.ga4.stage import Span
from common.messaging.messages import MaterializeTask, Message
from common.model.run_status import RunStatus
from common.model.window import LATE_DAYS, Window
from common.settings import Settings
from common.untyped import JsonObject, Row
from functions.materialize.ledger import Books, Clock, Ledger, Past
from functions.materialize.paper.warehouse import PaperWarehouse
from functions.materialize.services import Services
from functions.materialize.stage import fill
from functions.materialize.task.work import materialize

BOOKS = (*schemas.buckets("leases"), "runs", "incidents", "definitions")
"""Tables that a run keeps its books in."""
LISTED = 8
"""Values of a list that are shown."""
_WRITTEN = re.compile(r"^(?:CREATE OR REPLACE TABLE|INSERT INTO|MERGE INTO|UPDATE) `[^`]+\.(\w+)`")


@dataclass(frozen=True)
class Step:
    """One statement of a run."""

    name: str
    sql: Sql


@dataclass(frozen=True)
class _Ledger(Ledger):
    """Books of a conversion that ran before."""

    def write(self, run_id: str, status: RunStatus, **columns: Any) -> None:
        """Nothing happened."""

    def books(self, run_id: str, conversion: str, version: int) -> Books:
        past = Past(frozenset({version}), last=None)
        return replace(super().books(run_id, conversion, version), past=past)


@dataclass
class _Bus:
    """Nobody listens."""

    published: list[Message] = field(default_factory=list)

    def publish(self, message: Message) -> None:
        self.published.append(message)


def steps(
    definition: Row,
    settings: Settings,
    export: list[JsonObject],
    last_day: date,
    others: Iterable[Row] = (),
) -> Iterator[Step]:
    """What the daily run up to `last_day` sends to BigQuery for one definition, books included.

    `export` holds the columns of the GA4 export, `others` are definitions that run beside it.
    Raises ValidationError for a definition that is none.
    """
    stored = _version(definition, last_day)
    known = {id: _version(_stand_in(id), last_day) for id in stored.conversion.references()}
    known |= {each["id"]: _version(each, last_day) for each in others}
    known[stored.id] = stored
    # a refund of today may be of the oldest purchase that waits for one
    oldest = last_day - timedelta(days=plan.value_days(stored.id, known))
    warehouse = PaperWarehouse(settings, export, last_day, oldest)
    now = datetime.combine(last_day + timedelta(days=1), datetime.min.time(), UTC)
    ledger = _Ledger(warehouse, now)
    services = Services(warehouse, warehouse, ledger, Catalog(warehouse), _Bus(), lambda: 0.0)
    if settings.ga4_datasets and stored.conversion.events():
        span = Span(Window.ending(last_day, LATE_DAYS), plan.stage_events([stored]))
        fill.fill_stage(warehouse, ledger, span, "paper", Clock(services.seconds), force=True)
    window = Window.ending(last_day, plan.open_days(stored.id, known))
    task = _task(stored, window)
    materialize(services, task, known, ledger.books(task.run_id, stored.id, stored.version))
    ledger.waiting(task.run_id, task.tier)
    yield from _named(warehouse.statements, stored.id)


def of_books(sql: Sql) -> bool:
    """Whether a statement only reads or writes the run's own books."""
    tables = {path.rpartition(".")[2] for path in re.findall(r"`([^`]+\.\w+)`", sql.text)}
    return not tables - set(BOOKS)


def _named(statements: Iterable[Sql], id: str) -> Iterator[Step]:
    for sql in statements:
        if of_books(sql):
            yield Step("books", sql)
            continue
        verb = sql.text.split(maxsplit=1)[0].lower()
        written = _WRITTEN.match(sql.text)
        table = re.sub(rf"^({re.escape(id)}_|(stage_))\d+_", r"\2", written[1]) if written else ""
        table = re.sub(r"^(identity|visits|clicks)_[0-9a-f]{20}_\d+$", r"\1", table)
        yield Step(table if verb == "create" else f"{verb}_{table}".rstrip("_"), sql)


def _version(definition: Row, day: date) -> DefinitionVersion:
    body = {"name": definition["id"], "kind": "simple", **definition}
    at = datetime.combine(day, datetime.min.time(), UTC)
    return DefinitionVersion(
        "conversion", body["id"], 1, body["kind"], "active", body, "", (), at, None
    )


def _stand_in(id: str) -> JsonObject:
    """A definition for an id that another one names: only its table matters."""
    return {"id": id, "event_type": "purchase"}


def _task(stored: DefinitionVersion, window: Window) -> MaterializeTask:
    return MaterializeTask(
        run_id="paper",
        conversion=stored.id,
        definition_version=stored.version,
        tier=0,
        start_date=window.start,
        end_date=window.end,
        trigger="schedule",
        force=True,
    )


def text_of(step: Step) -> str:
    """The statement for a person: its step, the values of its parameters, its text."""
    return f"{values_of(step)}{step.sql.text.strip()};\n"


def values_of(step: Step) -> str:
    """The lines above the statement: the step's name and the values of its parameters."""
    values = (
        f"-- @{name} {bound.type} = {_shown(bound.value)}\n"
        for name, bound in sorted(step.sql.parameters.items())
        if name in step.sql.text
    )
    return "".join([f"-- step {step.name}\n", *values])


def _shown(value: object) -> str:
    if isinstance(value, list | tuple) and len(value) > LISTED:
        return f"{_shown(value[:LISTED])[:-1]}, ... {len(value) - LISTED} more]"
    return json.dumps(value, ensure_ascii=False, default=str)
