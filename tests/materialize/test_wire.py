"""Whole runs over a wire that breaks: late answers, 500, 503, connections cut before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import pytest
from google.cloud import bigquery

from common.bigquery.sql import Sql
from common.errors import RetryableError
from common.local.limits.faults import Fault, Faults, Odds
from common.local.stack.bigquery import EmbeddedBigQuery
from common.messaging.messages import Materialized, Message, ScoreTask
from functions.materialize.runs.run import handle
from tests.conftest import PROJECT
from tests.materialize.test_runs import PURCHASE, shop
from tests.materialize.world import World

Result = TypeVar("Result")

DELIVERIES = 10
"""How often Pub/Sub delivers a message before it is a dead letter."""
NONE = Odds()
INCIDENT = {
    "date": "2026-11-29",
    "recorded_at": "2026-11-29T00:00:00Z",
    "incident_id": "i",
    "severity": "error",
}


@pytest.fixture(scope="module")
def faults() -> Faults:
    return Faults(0, NONE)


@pytest.fixture(scope="module")
def faulty(faults: Faults) -> Iterator[bigquery.Client]:
    with EmbeddedBigQuery(faults=faults) as engine, engine.client(PROJECT) as client:
        yield client


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client and ours repeat at once what they repeat."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def delivered(world: World, message: Message) -> int:
    """Deliver the message until it is acknowledged, and what follows; most deliveries of one."""
    most = 0
    waiting = [message]
    while waiting:
        following = waiting.pop(0)
        if isinstance(following, (Materialized, ScoreTask)):
            continue
        most = max(most, _attempts(world, following))
        waiting += world.bus.queue
        world.bus.queue.clear()
    return most


def _attempts(world: World, message: Message) -> int:
    for attempt in range(1, DELIVERIES + 1):
        try:
            handle(world.services(), message)
        except RetryableError:
            continue
        return attempt
    raise AssertionError(f"{message} is a dead letter")


@pytest.mark.parametrize("kind", list(Fault))
def test_what_is_done_behind_a_wire_that_breaks_is_done_once(
    faulty: bigquery.Client, faults: Faults, kind: Fault
) -> None:
    """Rows are loaded once although the answer was lost; a job id runs once; rows come whole."""
    faults.odds = NONE
    faulty.create_dataset(f"once_{kind.name}".lower())
    world = World(faulty, f"{PROJECT}.once_{kind.name}".lower())
    house = world.warehouse
    house.execute(Sql(f"CREATE TABLE `{house.path('counted')}` AS SELECT 0 AS n"))
    faults.begin(1, Odds(share=0.3, late_seconds=0.001, kinds=(kind,)))
    for number in range(8):
        row = {**INCIDENT, "code": str(number)}
        _until_done(partial(house.append, "incidents", [row]))
        more = Sql(f"UPDATE `{house.path('counted')}` SET n = n + 1 WHERE TRUE")
        _until_done(partial(house.execute, more, job_id=f"more_{kind.name}_{number}"))
        assert _until_done(lambda: list(house.rows(Sql("SELECT 1 AS one")))) == [{"one": 1}]
    faults.odds = NONE
    assert world.query(f"SELECT n FROM `{house.path('counted')}`") == [{"n": 8}]
    codes = sorted(world.incidents())
    assert codes == [str(number) for number in range(8)]
    world.close()


def _until_done(work: Callable[[], Result]) -> Result:
    """What a call returns that is made again as a message is delivered again."""
    for _ in range(DELIVERIES):
        try:
            return work()
        except RetryableError:
            continue
    raise AssertionError("never done")


def test_a_run_over_a_wire_that_breaks_leaves_what_a_run_leaves(
    faulty: bigquery.Client, faults: Faults
) -> None:
    """As tests/materialize/test_runs.py has it from the same events."""
    faults.odds = NONE
    faulty.create_dataset("broken")
    world = World(faulty, f"{PROJECT}.broken")
    world.define(**PURCHASE)
    world.events(shop())
    world.now = world.now.replace(day=11)
    faults.begin(2, Odds(share=0.2, late_seconds=0.01))
    delivered(world, world.tick("daily"))
    met = set(faults.drawn)
    faults.odds = NONE
    assert len(met) > 2, "hardly anything broke"
    assert world.rows("purchase", "client_id", "value", "refund_status") == [
        {"client_id": "a", "value": 70.0, "refund_status": "partial"},
        {"client_id": "b", "value": 5.5, "refund_status": "none"},
        {"client_id": "c", "value": 7.0, "refund_status": "none"},
    ]
    changes = f"SELECT change, new_value FROM `{world.warehouse.path('conversion_changes')}`"
    assert world.query(f"{changes} ORDER BY new_value") == [
        {"change": "insert", "new_value": value} for value in (5.5, 7.0, 70.0)
    ]
    assert [entry["status"] for entry in world.ledger("purchase")].count("applied") == 1
    world.close()
