"""Thirty simple conversions read the raw export once, and no more of it than one would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Executed
from common.messaging.messages import MaterializeTask
from functions.materialize.runs.run import handle
from tests.materialize.histories import Worker
from tests.materialize.world import QuickWorld

DAY = date(2026, 11, 10)
CONVERSIONS = 30
DIMENSIONS = ["country", "source", "event_params.plan", "medium", "page_path", "city"]
COLUMN = re.compile(r"\bevent\.([a-z_]+)")


class Listening(Worker):
    """Keeps the statements that name the raw export."""

    def __init__(self, world: QuickWorld) -> None:
        super().__init__(world.quick)
        self.scans: list[str] = []

    def rows(self, sql: Sql, **options: Any) -> Iterator[dict[str, Any]]:
        self._hear(sql)
        return super().rows(sql, **options)

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        self._hear(sql)
        return super().submit(sql, job_id)

    def _hear(self, sql: Sql) -> None:
        if ".events_" in sql.text:
            self.scans.append(sql.text)


def daily_scans(conversions: int) -> tuple[QuickWorld, list[str]]:
    """The statements that read the raw export in the second daily run of so many conversions."""
    world = QuickWorld()
    world.events(
        {"at": datetime(2026, 11, day, 9, tzinfo=UTC), "name": "purchase", "client": f"c{day}",
         "order": f"T{day}", "value": 10.0, "page": "https://shop.example/a?gclid=1"}
        for day in range(4, 11)
    )  # fmt: skip
    for number in range(conversions):
        dimension = DIMENSIONS[number % len(DIMENSIONS)]
        world.define(
            id=f"c{number}",
            event_type="purchase",
            filters={"dimension": dimension, "operator": "not_equals", "value": f"{number}"},
        )
    listening = Listening(world)
    world.now = datetime(2026, 11, 10, 6, tzinfo=UTC)
    handle(world.services(), world.tick("the day before"))
    world.bus.queue.clear()
    world.now = datetime(2026, 11, 11, 6, tzinfo=UTC)
    handle(world.services(warehouse=listening), world.tick("today"))
    while world.bus.queue:
        message = world.bus.queue.pop(0)
        if isinstance(message, MaterializeTask):
            handle(world.services(warehouse=listening), message)
    return world, listening.scans


def scanned_bytes(world: QuickWorld, statement: str) -> int:
    """Bytes of the columns that the statement names, in the shards of its days."""
    columns = sorted(set(COLUMN.findall(statement)))
    schema = world.quick.schema_of(f"{world.dataset}_ga4.events_{DAY:%Y%m%d}") or []
    present = [column["name"] for column in schema if column["name"] in columns]
    sizes = " + ".join(
        f'COALESCE(strlen(CAST(to_json("{name}") AS VARCHAR)), 0)' for name in present
    )
    total = 0
    for day in range(6, 11):
        found = world.quick.connection.execute(
            f'SELECT SUM({sizes}) FROM "test-project__quick_ga4"."events_202611{day:02d}"'
        )
        total += int(found.fetchone()[0])
    return total


@pytest.fixture(scope="module")
def single() -> tuple[QuickWorld, list[str]]:
    return daily_scans(1)


@pytest.fixture(scope="module")
def many() -> tuple[QuickWorld, list[str]]:
    return daily_scans(CONVERSIONS)


def test_a_daily_run_of_thirty_conversions_reads_the_raw_export_once(
    many: tuple[QuickWorld, list[str]],
) -> None:
    world, scans = many
    assert len(scans) == 1
    for number in range(CONVERSIONS):
        assert len(world.rows(f"c{number}", "id")) == 7


def test_and_reads_at_most_a_tenth_more_than_for_one(
    single: tuple[QuickWorld, list[str]], many: tuple[QuickWorld, list[str]]
) -> None:
    alone = sum(scanned_bytes(single[0], scan) for scan in single[1])
    together = sum(scanned_bytes(many[0], scan) for scan in many[1])
    assert 0 < together <= 1.1 * alone
