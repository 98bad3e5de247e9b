"""Whether load alone makes dead letters: the plan of instances, waiting and deliveries, simulated.

30 conversions with 5 destinations each, 5 minutes a delivery, all asked for at one moment, as after
a daily run. Clocks are numbers: hours pass in a moment. A delivery that finds no instance within
its patience is answered 429 (https://cloud.google.com/run/docs/troubleshooting), which counts as an
attempt (https://cloud.google.com/pubsub/docs/handling-failures).
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from common.bigquery.leases.lease import table_of
from common.local.functions import manifest
from common.local.functions.instance import PATIENCE_SECONDS
from common.local.limits.limits import Limits, Refused
from common.local.stack import provision

DEPLOYED = manifest.read(Path(__file__).parents[2])
WORK_SECONDS = 300.0
TASKS = 30 * 5
SEEDS = range(20)


@dataclass(frozen=True)
class Plan:
    """How a subscription's messages reach a function."""

    places: int
    """Instances times concurrency."""
    attempts: int
    least: float
    most: float
    """Seconds between two deliveries of one message."""


def deployed(function: str) -> Plan:
    """The plan as the manifest and Terraform have it."""
    planned = DEPLOYED.functions[function]
    return Plan(
        planned.max_instances * planned.concurrency,
        provision.MAXIMUM_ATTEMPTS,
        provision.LEAST_BACKOFF.total_seconds(),
        provision.MOST_BACKOFF.total_seconds(),
    )


@dataclass(frozen=True)
class Outcome:
    """What became of the messages."""

    dead: int
    most_attempts: int
    seconds: float


def simulate(plan: Plan, tasks: int, work: float, seed: int) -> Outcome:
    """All tasks pushed at second 0, each until it is done or given up."""
    dice = random.Random(seed)
    free = [0.0] * plan.places
    waiting = [(dice.random(), 1, task) for task in range(tasks)]
    heapq.heapify(waiting)
    dead, most, ended = 0, 0, 0.0
    while waiting:
        now, attempt, task = heapq.heappop(waiting)
        most = max(most, attempt)
        start = max(now, free[0])
        if start <= now + PATIENCE_SECONDS:
            heapq.heapreplace(free, start + work)
            ended = max(ended, start + work)
        elif attempt == plan.attempts:
            dead += 1
        else:
            pause = min(plan.most, plan.least * 2 ** (attempt - 1)) * dice.uniform(1, 1.2)
            again = now + PATIENCE_SECONDS + pause
            heapq.heappush(waiting, (again, attempt + 1, task))
    return Outcome(dead, most, ended)


@pytest.mark.parametrize("function", ["materialize", "export"])
def test_load_alone_makes_no_dead_letter(function: str) -> None:
    outcomes = [simulate(deployed(function), TASKS, WORK_SECONDS, seed) for seed in SEEDS]
    assert [outcome.dead for outcome in outcomes] == [0] * len(outcomes)
    # a message that fails for a reason of its own still needs attempts that are left
    assert max(outcome.most_attempts for outcome in outcomes) < provision.MAXIMUM_ATTEMPTS


def test_three_places_and_ten_attempts_would_not_carry_it() -> None:
    assert simulate(Plan(3, 10, 10, 600), TASKS, WORK_SECONDS, 0).dead > 0


CONVERSIONS, DESTINATIONS = 300, 5
STATEMENT_SECONDS = 1.0
"""Of one change of a lease, the lower end of what reports tell."""


def lease_statements() -> list[str]:
    """The name of the lease that each statement of a morning changes: every conversion takes and
    frees its own, and each destination is taken, asked and freed for every conversion."""
    ids = [f"conversion_{number}" for number in range(CONVERSIONS)]
    exports = [f"export-destination_{number}" for number in range(DESTINATIONS)]
    return [*ids, *ids, *(name for _ in ids for name in exports)]


def morning(table_of: Callable[[str], str]) -> tuple[float, int]:
    """Seconds until all lease statements are done that come at one moment, each refused one again
    every second, and how many were refused for a table that was full; under BigQuery's limits."""
    clock = [0.0]
    limits = Limits(clock=lambda: clock[0])
    waiting: dict[str, int] = Counter(map(table_of, lease_statements()))
    slots = {table: [0.0] * limits.figures.mutating_running for table in waiting}
    running: list[tuple[float, int, AbstractContextManager[None]]] = []
    begun = count()
    refused = 0
    while any(waiting.values()) or running:
        while running and running[0][0] <= clock[0]:
            heapq.heappop(running)[2].__exit__(None, None, None)
        for table in waiting:
            while waiting[table]:
                held = limits.change_rows(table, is_insert=False)
                try:
                    held.__enter__()
                except Refused:
                    refused += waiting[table]
                    break
                waiting[table] -= 1
                ends = max(clock[0], heapq.heappop(slots[table])) + STATEMENT_SECONDS
                heapq.heappush(slots[table], ends)
                heapq.heappush(running, (ends, next(begun), held))
        clock[0] += 1.0
    return clock[0], refused


def test_leases_of_many_conversions_do_not_queue_behind_one_table() -> None:
    before, _ = morning(lambda name: "shop.product.leases")
    after, _ = morning(lambda name: f"shop.product.{table_of(name)}")
    assert after < before / 4
