"""Every statement of export is GoogleSQL: BigQuery's own analyzer takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest

from common import schemas
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Executed, Warehouse
from common.settings import Settings
from functions.export.destinations.registry import DESTINATIONS
from functions.export.frontend import reads
from functions.export.ledger import erased
from functions.export.ledger.entries import Entry
from functions.export.reconcile.delivery_state import Sent
from functions.export.send import poll
from functions.export.send.due import due
from functions.export.services import Connection, Services
from functions.export.transport.results import Status
from tests.destinations.harness import NOW, TestClock, plain
from tests.judge import analyze

TABLES = (
    "export_attempts",
    "export_requests",
    "audience_members",
    "runs",
    *schemas.buckets("leases"),
    "incidents",
    "erasures",
)


class Recorder(Warehouse):
    """Keeps statements instead of running them."""

    def __init__(self) -> None:
        super().__init__(cast("Any", None), Settings(project="shop-project"))
        self.statements: list[Sql] = []

    def rows(self, sql: Sql, **_: Any) -> Iterator[dict[str, Any]]:
        self.statements.append(sql)
        names = """held leaving unproved early known conversions conversion state reason
        erasures key destination is_open is_taken newest""".split()
        return iter([{**dict.fromkeys(names, 1), "refused": []}])

    def execute(self, sql: Sql, **_: Any) -> Executed:
        self.statements.append(sql)
        return Executed("job", 1, None)

    def append(self, table: str, rows: Any) -> None:
        """Rows are no statement."""


def asked(question: Callable[[Connection], object]) -> Sql:
    """The statement that the question becomes."""
    recorder = Recorder()
    services = Services(recorder, cast("Any", None), TestClock(), cast("Any", None))
    destination, _ = plain("google_ads")
    stored = cast("Any", StoredVersion())
    question(Connection(services, stored, destination))
    return recorder.statements[-1]


class StoredVersion:
    """As much of a stored definition as the statements need."""

    id = "ads_main"
    version = 1
    created_at = NOW - timedelta(days=1)


def ledger(connection: Connection) -> Any:
    fixed = replace(connection, destination=type(connection.destination)(config(connection)))
    return fixed.ledger(fixed.scope("purchase", "run", 7))


def config(connection: Connection) -> Any:
    return connection.destination.config.model_copy(update={"start_date": date(2026, 11, 1)})


SENT = Sent("create", None, NOW, "f", {}, NOW)
ENTRY = Entry("o1", NOW.date(), "sending", "", 7, SENT, 1, NOW)
REQUEST = {
    "request_id": "r",
    "polls": 0,
    "row_count": 1,
    "date": NOW.date(),
    "account": "a",
    "conversion": "purchase",
}
DAYS = (date(2026, 11, 1), date(2026, 11, 2))
QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "census": lambda it: ledger(it).census(),
    "candidates": lambda it: ledger(it).candidates(NOW, 10),
    "today": lambda it: ledger(it).today(NOW),
    "park": lambda it: ledger(it).park(["why"], NOW, NOW),
    "append": lambda it: ledger(it).append([ENTRY], only_as_holder=True),
    "replay": lambda it: ledger(it).request_again(*DAYS, NOW, lost=True),
    "in_doubt": lambda it: ledger(it).in_doubt(),
    "requests due": lambda it: poll._due(it, NOW),
    "due": due,
    "drop": lambda it: ledger(it).drop_members([("o1", "x", "")]),
    "leave": lambda it: ledger(it).drop_members([("o1", "x", "r-1")]),
    "rejoin": lambda it: ledger(it).rejoin(["x"], NOW),
    "left": lambda it: poll._leave(it, REQUEST, None, "run", 7, NOW),
    "stayed": lambda it: poll._leave(it, REQUEST, Status("failed"), "run", 7, NOW),
    "asked": lambda it: poll._rejoin(it, REQUEST, Status("failed"), "run", 7, NOW),
    "forget": lambda it: ledger(it).forget_members(NOW),
    "reopen": lambda it: poll._reopen(it, REQUEST, "failed", Status("failed"), "run", 7, NOW),
    "entries": lambda it: reads.entries(it, search="o1", after=(NOW, "0"), limit=5),
    "entries, oldest first": lambda it: reads.entries(it, newest_first=False, limit=5),
    "between": lambda it: reads.conversions_between(it, "purchase", *DAYS),
    "delivery_states": lambda it: reads.delivery_states(it, conversion="purchase"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_statement_is_googlesql(name: str) -> None:
    judged(asked(QUESTIONS[name]))


@pytest.mark.parametrize("name", ["report", "requests"])
def test_a_report_is_googlesql(name: str) -> None:
    recorder = Recorder()
    services = Services(recorder, cast("Any", None), TestClock(), cast("Any", None))
    found = Connection(services, cast("Any", StoredVersion()), plain("google_ads")[0])
    reads._rows(found, name, start_date=DAYS[0], end_date=DAYS[1])
    judged(recorder.statements[-1])


def test_what_forgets_erased_persons_is_googlesql() -> None:
    recorder = Recorder()
    erased.forget_all(recorder, NOW)
    assert len(recorder.statements) == 4
    for sql in recorder.statements:
        judged(sql)


def judged(sql: Sql) -> None:
    """Raises Rejected for what BigQuery would refuse."""
    tables = {f"shop-project.conversions.{name}": schemas.load(name)["schema"] for name in TABLES}
    tables["shop-project.conversions.conversion_purchase"] = schemas.load("conversion")["schema"]
    analyze(sql.text, tables, {name: bound.type for name, bound in sql.parameters.items()})


def test_every_destination_reads_the_same_columns() -> None:
    columns = {column["name"] for column in schemas.load("conversion")["schema"]}
    for each in DESTINATIONS.values():
        assert set(each.kept) <= columns
