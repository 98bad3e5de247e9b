"""An order that comes again after months is known, and only the days on which it was are read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Executed
from functions.materialize.runs.run import handle
from tests.materialize.histories import Worker
from tests.materialize.world import QuickWorld

BOUGHT, AGAIN = date(2026, 8, 20), date(2026, 11, 9)


class Listening(Worker):
    """Keeps the statements that find candidates, and those about visits."""

    def __init__(self, world: QuickWorld) -> None:
        super().__init__(world.quick)
        self.made: list[Sql] = []

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        self.made.append(sql)
        return super().submit(sql, job_id)

    def asked(self, table: str, parameter: str) -> list[Any]:
        """What the parameter was in each statement that made a table of this name."""
        return [
            sql.parameters[parameter].value
            for sql in self.made
            if f"{table}` " in sql.text.split("AS\n")[0] and parameter in sql.parameters
        ]


def bought(day: date, order: str, client: str, **said: Any) -> dict[str, Any]:
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    page = f"https://shop.example/paid?gclid=G-{order}"
    return {"at": at, "name": "purchase", "client": client, "order": order, "value": 1.0,
            "session": day.day, "page": page} | said  # fmt: skip


def run(world: QuickWorld, day: date, worker: Listening) -> None:
    world.now = datetime(day.year, day.month, day.day + 1, 6, tzinfo=UTC)
    world.bus.queue.append(world.tick(f"of {day}"))
    while world.bus.queue:
        message = world.bus.queue.pop(0)
        if getattr(message, "kind", "") != "materialized":
            handle(world.services(warehouse=worker), message)


@pytest.fixture(scope="module")
def ran() -> Iterator[tuple[QuickWorld, Listening]]:
    world = QuickWorld()
    world.define(id="all", event_type="purchase")
    world.define(id="first", event_type="purchase", deduplicate_by_user=True)
    world.events([bought(BOUGHT, "T1", "a"), bought(BOUGHT, "T2", "b")])
    run(world, BOUGHT, Listening(world))
    world.events([bought(AGAIN, "T1", "crawler"), bought(AGAIN, "T3", "c")])
    worker = Listening(world)
    run(world, AGAIN, worker)
    yield world, worker
    world.close()


@pytest.mark.parametrize("id", ["all", "first"])
def test_an_order_counts_once_however_late_it_comes_again(
    ran: tuple[QuickWorld, Listening], id: str
) -> None:
    rows = {row["id"]: str(row["date"]) for row in ran[0].rows(id, "id", "date")}
    assert rows == {"T1": str(BOUGHT), "T2": str(BOUGHT), "T3": str(AGAIN)}
    assert ran[0].ledger(id)[-1]["duplicates"] == 1


def test_of_history_only_the_days_of_that_order_are_asked_for(
    ran: tuple[QuickWorld, Listening],
) -> None:
    asked = ran[1].asked("_candidates", "order_days")
    assert asked == [[BOUGHT, AGAIN]] * 2


def test_no_earlier_visit_is_looked_up_where_each_says_its_source(
    ran: tuple[QuickWorld, Listening],
) -> None:
    first, last = (ran[1].asked("_visits", name) for name in ("lends_from", "lends_until"))
    assert first
    assert all(begins > ends for begins, ends in zip(first, last, strict=True))
