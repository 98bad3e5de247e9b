"""Definitions that differ in their filters alone are read in one pass, and each as if alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Executed
from common.errors import UserError
from common.messaging.messages import MaterializeTask
from functions.materialize.runs.run import handle
from functions.materialize.task.together import groups
from tests.materialize.histories import Worker
from tests.materialize.world import QuickWorld

BYTES = 12_345
DAYS = (date(2026, 11, 12), date(2026, 11, 13))
Condition = Mapping[str, Any]


def over(value: int) -> Condition:
    return {"dimension": "transaction_total", "operator": "greater_than", "value": value}


def named(event: str) -> Condition:
    return {"dimension": "event", "operator": "equals", "value": event}


DEFINITIONS: list[dict[str, Any]] = [
    {"id": "all", "event_type": "purchase", "refunds": {"days": 30}},
    {"id": "over_50", "event_type": "purchase", "refunds": {"days": 30}, "filters": over(50)},
    {"id": "none", "event_type": "purchase", "refunds": {"days": 30}, "filters": over(10**6)},
    {"id": "lead", "event_type": "custom_event", "filters": named("generate_lead")},
    {"id": "sign_up", "event_type": "custom_event", "filters": named("sign_up")},
]  # fmt: skip


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def sale(day: int, order: str | None, value: float, **said: Any) -> dict[str, Any]:
    return {"name": "purchase", "at": at(day), "client": f"c{day}", "order": order, "value": value,
            "currency": "USD", "session": day} | said  # fmt: skip


EVENTS: list[dict[str, Any]] = [
    {"name": "session_start", "at": at(7, 8), "client": "c8", "gclid": "G", "session": 7},
    sale(8, "T1", 10.0),
    # the first of an order that passes the filter is not the first of the order
    sale(9, "T2", 3.0),
    sale(9, "T2", 60.0, at=at(9, 11)),
    sale(10, "T2", 70.0, client="crawler"),
    sale(10, None, 55.0),
    sale(11, "T3", -4.0, currency="EUR"),
    sale(11, "T4", 80.0, session=None),
    {"name": "refund", "at": at(11, 20), "order": "T4", "refund_value": 30.0, "currency": "USD"},
    {"name": "refund", "at": at(10, 20), "order": "T1", "currency": "USD"},
    {"name": "generate_lead", "at": at(10), "client": "c8", "session": 7, "value": 5.0},
    {"name": "sign_up", "at": at(11), "client": "c8", "user": "u"},
]
LATER = [sale(12, "T1", 90.0), sale(12, "T5", 52.0)]


class Listening(Worker):
    """Counts the statements of each kind; refuses those that read several together if asked to."""

    def __init__(self, world: QuickWorld, *, refuses: bool = False) -> None:
        super().__init__(world.quick)
        self.refuses = refuses
        self.made: list[str] = []

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        if ".rows_" in sql.text.partition("AS\n")[0]:
            self.made.append("together")
            if self.refuses:
                raise UserError("One filter divides by nothing.", code="bad_statement")
        elif "_candidates`" in sql.text.partition("AS\n")[0]:
            self.made.append("alone")
        done = super().submit(sql, job_id)
        # an engine without a price tells no bytes
        return replace(done, bytes_processed=BYTES) if job_id and "_rows_" in job_id else done


def run(world: QuickWorld, day: date, worker: Worker) -> None:
    world.now = datetime(day.year, day.month, day.day + 1, 6, tzinfo=UTC)
    world.bus.queue.append(world.tick(f"of {day}"))
    while world.bus.queue:
        message = world.bus.queue.pop(0)
        if getattr(message, "kind", "") != "materialized":
            handle(world.services(warehouse=worker), message)


def built(*, refuses: bool = False) -> tuple[QuickWorld, Listening]:
    """A world after two daily runs."""
    world = QuickWorld()
    worker = Listening(world, refuses=refuses)
    for definition in DEFINITIONS:
        world.define(**definition)
    world.events(EVENTS)
    run(world, DAYS[0], worker)
    world.events([*EVENTS, *LATER])
    run(world, DAYS[1], worker)
    return world, worker


@pytest.fixture(scope="module")
def together() -> Iterator[tuple[QuickWorld, Listening]]:
    world, worker = built()
    yield world, worker
    world.close()


@pytest.fixture(scope="module")
def alone() -> Iterator[tuple[QuickWorld, Listening]]:
    """The same world where the pass over all fails, as one definition's filter may."""
    world, worker = built(refuses=True)
    yield world, worker
    world.close()


JUDGED = (
    "status inserted updated deleted rows_total rows_read duplicates quarantined refunded".split()
)


def recorded(world: QuickWorld, id: str) -> list[dict[str, Any]]:
    """What the ledger says of each run of the conversion."""
    return [{name: entry[name] for name in (*JUDGED, "value_total", "recent")}
            for entry in world.ledger(id)]  # fmt: skip


@pytest.mark.parametrize("id", [each["id"] for each in DEFINITIONS])
def test_rows_and_ledger_are_as_if_each_were_read_alone(
    together: tuple[QuickWorld, Listening], alone: tuple[QuickWorld, Listening], id: str
) -> None:
    assert together[0].rows(id) == alone[0].rows(id)
    assert recorded(together[0], id) == recorded(alone[0], id)


def test_each_definition_counts_what_its_own_filter_says(
    together: tuple[QuickWorld, Listening],
) -> None:
    rows = {id: {row["id"]: row["value_gross"] for row in together[0].rows(id, "id", "value_gross")}
            for id in ("all", "over_50", "none")}  # fmt: skip
    assert {"T1": 10.0, "T2": 3.0, "T4": 80.0, "T5": 52.0}.items() <= rows["all"].items()
    # T1 of day 12 is over 50, and an order counts once in each definition
    assert {"T1": 90.0, "T2": 60.0, "T4": 80.0, "T5": 52.0}.items() <= rows["over_50"].items()
    assert rows["none"] == {}


def test_one_statement_a_run_reads_what_definitions_alike_count(
    together: tuple[QuickWorld, Listening],
) -> None:
    # purchases and other events, in each of two runs
    assert together[1].made == ["together"] * 4
    sizes = [entry["bytes_processed"] for each in DEFINITIONS
            for entry in together[0].ledger(each["id"])]  # fmt: skip
    # a pass is on the bill of the conversion that made it
    assert [size for size in sizes if size is not None] == [BYTES] * 4


@pytest.mark.parametrize(
    ("many", "sizes"),
    [(1, [1]), (50, [50]), (51, [26, 25]), (101, [34, 34, 33]), (300, [50] * 6)],
)
def test_hundreds_alike_are_read_in_several_passes(many: int, sizes: list[int]) -> None:
    found = list(groups(range(many)))
    assert [len(group) for group in found] == sizes
    assert [each for group in found for each in group] == list(range(many))


def test_where_the_pass_over_all_fails_each_reads_alone(
    alone: tuple[QuickWorld, Listening],
) -> None:
    assert alone[1].made.count("alone") == 2 * len(DEFINITIONS)


class Erasing(Listening):
    """Erases a person as soon as the rows of several definitions are there."""

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        done = super().submit(sql, job_id)
        if self.made == ["together"]:
            erasures = self.table("erasures").text
            super().submit(
                Sql(
                    f"INSERT INTO {erasures} (subject_hash, requested_at)"
                    " SELECT TO_HEX(SHA256('c8')), CURRENT_TIMESTAMP()"
                ),
                None,
            )
        return done


def test_whoever_is_erased_after_the_pass_does_not_come_back() -> None:
    world = QuickWorld()
    for definition in DEFINITIONS[:2]:
        world.define(**definition)
    world.events(EVENTS[:6])
    worker = Erasing(world)
    run(world, DAYS[0], worker)
    assert worker.made == ["together", "alone", "alone"]
    assert {row["client_id"] for row in world.rows("all", "client_id")} == {"c9", "c10"}
    world.close()


def test_a_task_that_comes_late_reads_what_the_stage_holds_by_then() -> None:
    world = QuickWorld()
    for definition in DEFINITIONS[:2]:
        world.define(**definition)
    world.events(EVENTS[:6])
    worker = Listening(world)
    world.now = datetime(2026, 11, 13, 6, tzinfo=UTC)
    handle(world.services(warehouse=worker), world.tick("of yesterday"))
    late, soon = (each for each in world.bus.queue if isinstance(each, MaterializeTask))
    world.bus.queue.clear()
    handle(world.services(warehouse=worker), soon)
    world.bus.queue.clear()
    world.events([*EVENTS[:6], sale(11, "T9", 99.0)])
    run(world, DAYS[1], worker)
    assert (late.conversion, soon.conversion) == ("all", "over_50")
    handle(world.services(warehouse=worker), late)
    assert "T9" in {row["id"] for row in world.rows("all", "id")}
    assert "alone" not in worker.made
    world.close()
