"""Whenever a worker dies: what the history of changes says is what the table holds."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest

from common.bigquery.leases import lease
from common.messaging.messages import MaterializeTask
from functions.materialize.runs.run import handle
from tests import leases
from tests.materialize.histories import ORDERS, Crash, Worker
from tests.materialize.world import QuickWorld

START, END = date(2026, 11, 2), date(2026, 11, 10)
ORDER: dict[str, Any] = {
    "id": "order",
    "kind": "custom",
    "adjustment_days": 30,
    "sql": "SELECT id, client_id, created, value FROM `test-project.quick_crm.orders`"
    " WHERE date BETWEEN @start_date AND @end_date",
}


def orders(round: int) -> list[dict[str, Any]]:
    """Twelve orders, of which each round brings one, changes one and takes one away."""
    return [
        {
            "id": f"O{number}",
            "client_id": "c",
            "user_id": None,
            "created": datetime(2026, 11, 5, 9, tzinfo=UTC),
            "value": float(round if number % 4 == 0 else number),
            "date": date(2026, 11, 5),
        }
        for number in range(round, round + 12)
    ]


def task(round: int) -> MaterializeTask:
    return MaterializeTask(
        run_id=f"run-{round}",
        conversion="order",
        definition_version=1,
        tier=0,
        start_date=START,
        end_date=END,
        trigger="schedule",
        force=True,
    )


@pytest.fixture
def shop(world: QuickWorld) -> QuickWorld:
    world.define(**ORDER)
    world.now = datetime(2026, 11, 11, 6, tzinfo=UTC)
    return world


def run(shop: QuickWorld, round: int, worker: Worker | None = None) -> None:
    shop.replace("test-project.quick_crm.orders", ORDERS, orders(round))
    handle(shop.services(warehouse=worker or shop.quick), task(round))


def held(shop: QuickWorld) -> dict[str, Any]:
    """Id → value in the table; raises where an id is there twice."""
    rows = shop.query(f"SELECT id, value FROM `{shop.warehouse.path('conversion_order')}`")
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row["value"] for row in rows}


def derived(shop: QuickWorld) -> dict[str, Any]:
    """Id → value as the history says, each change being of what was there before it."""
    rows: dict[str, Any] = {}
    changes = f"SELECT * FROM `{shop.warehouse.path('conversion_changes')}` ORDER BY fence, id"
    for change in shop.query(changes):
        before = json.loads(change["old_row"])["value"] if change["old_row"] else None
        assert rows.pop(change["id"], None) == before, change
        if change["new_row"]:
            rows[change["id"]] = json.loads(change["new_row"])["value"]
    return rows


PLACES = range(1, 40)
"""Every statement of a task: who dies before one dies after the one that came before it."""


def test_history_and_rows_agree_wherever_a_worker_dies(shop: QuickWorld) -> None:
    run(shop, 0)
    deaths = 0
    for round in PLACES:
        worker = Worker(shop.quick, dies_at=round)
        try:
            run(shop, round, worker)
        except Crash:
            deaths += 1
        assert derived(shop) == held(shop), f"dead at statement {round}"
        if worker.dies_at > 0:
            break
        leases.lapse(shop.warehouse)
    assert deaths > 12
    run(shop, 99)
    assert held(shop).keys() == {row["id"] for row in orders(99)}
    assert derived(shop) == held(shop)


class Apart(Worker):
    """A wrong design: the history is written once the rows are."""

    def submit_together(self, statements: Any, job_id: str) -> None:
        for each in statements:
            self._maybe(partial(self.submit, each, None))


def test_a_history_that_is_written_afterwards_is_found_out(shop: QuickWorld) -> None:
    run(shop, 0)
    for round in PLACES:
        try:
            run(shop, round, Apart(shop.quick, dies_at=round))
        except Crash:
            leases.lapse(shop.warehouse)
        if derived(shop).keys() != held(shop).keys():
            return
    raise AssertionError("nobody noticed")


def test_a_write_that_nobody_waited_for_counts_nothing_twice(shop: QuickWorld) -> None:
    """An older release calls its jobs otherwise: its MERGE may end between ours and its plan."""
    foreign = Worker(shop.quick)

    def before(statements: Any, job_id: str) -> None:
        (_, rows, *_) = statements
        foreign.submit(rows, None)
        original(statements, job_id)

    ours = Worker(shop.quick)
    original, ours.submit_together = ours.submit_together, before  # type: ignore[method-assign]
    run(shop, 0, ours)
    assert held(shop) == {row["id"]: row["value"] for row in orders(0)}
    assert derived(shop) == held(shop)


class Twice(Worker):
    """The answer of the first try is lost, and the next one has an id of its own."""

    def submit_together(self, statements: Any, job_id: str) -> None:
        super().submit_together(statements, job_id)
        super().submit_together(statements, f"{job_id}_1")


def test_a_write_that_is_tried_again_tells_of_itself_once(shop: QuickWorld) -> None:
    for round in (0, 1):
        run(shop, round, Twice(shop.quick))
        assert derived(shop) == held(shop)
    changes = f"SELECT id, fence FROM `{shop.warehouse.path('conversion_changes')}`"
    told = [(row["id"], row["fence"]) for row in shop.query(changes)]
    assert len(told) == len(set(told)) == 16


def test_the_writes_of_holders_are_awaited_past_one_that_died_at_once(shop: QuickWorld) -> None:
    """Its successor alone would be asked, and it never came to a job."""
    asked: list[str] = []

    class Asking(Worker):
        def forestall(self, job_id: str) -> bool:
            asked.append(job_id.rpartition("-")[2])
            return super().forestall(job_id)

    run(shop, 0)
    taken = lease.acquire(shop.quick, "order", "somebody who dies")
    assert taken is not None
    leases.lapse(shop.warehouse)
    run(shop, 1, Asking(shop.quick))
    assert asked == [str(taken.fence), str(taken.fence - 1)]
    asked.clear()
    # a holder that wrote down how it ended has awaited all before it
    run(shop, 2, Asking(shop.quick))
    assert asked == []
