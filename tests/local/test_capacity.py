"""Whether load alone makes dead letters: the plan of instances, waiting and deliveries, simulated.

30 conversions with 5 destinations each, 5 minutes a delivery, all asked for at one moment, as after
a daily run. Clocks are numbers: hours pass in a moment. A delivery that finds no instance within
its patience is answered 429 (https://cloud.google.com/run/docs/troubleshooting), which counts as an
attempt (https://cloud.google.com/pubsub/docs/handling-failures).
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.local.stack import manifest, provision
from common.local.stack.instance import PATIENCE_SECONDS

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
