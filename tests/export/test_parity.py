"""A dry run says of generated rows, for every destination, exactly what a run does with them.

`python -m tests.export.test_parity 6000` is the long form: as many as one dry run judges.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest

from functions.export.contract.base import Destination
from functions.export.destinations.registry import DESTINATIONS
from functions.export.frontend import preview
from functions.export.ledger.entries import Entry, Scope
from functions.export.ledger.outcomes import Outcome
from functions.export.send.run import Job, Orders, Run, batches
from functions.export.transport.clock import Deadline
from tests.destinations import generated
from tests.destinations.harness import TestClock, plain
from tests.export.memory import MemoryLedger, Store

ROWS = 250


@dataclass
class Table:
    """A table of generated rows and an empty ledger, for a dry run and a run alike."""

    destination: Destination[Any]
    conversion: str
    rows: int
    clock: TestClock = field(default_factory=TestClock)

    id = "parity"

    def __post_init__(self) -> None:
        rows = [generated.row(number) for number in range(self.rows)]
        self.store = Store(table={row.id: row for row in rows})
        self.services = SimpleNamespace(clock=self.clock, settings=SimpleNamespace(currency="EUR"))

    def scope(self, conversion: str, run_id: str, fence: int) -> Scope:
        return Scope(self.id, "account", conversion, 1, 1, run_id, fence)

    def ledger(self, scope: Scope) -> MemoryLedger:
        return MemoryLedger(self.store, scope, self.start_date(scope))

    def start_date(self, scope: Scope) -> date:
        return date(2026, 1, 1)


class Recording(Run):
    """Keeps the requests that would leave, as if each was accepted."""

    bodies: list[str]

    def _delivered(self, orders: Orders) -> list[Entry]:
        rows = [order.built for order, _, _ in orders.values()]
        scope, destination = self._job.scope, self._job.destination
        self.bodies += [
            destination.request(scope.conversion, batch).sha256
            for batch in batches(rows, destination)
        ]
        now = self._clock.now()
        accepted = Outcome("accepted")
        return [self._scribe.outcome(entry, accepted, now) for _, entry, _ in orders.values()]


def both(kind: str, rows: int) -> tuple[Any, Any]:
    """What the dry run says and what the run does: verdicts with their counts, and all requests."""
    table = Table(*plain(kind), rows)
    told = preview.dry_run(cast("Any", table), table.conversion, limit=0, bodies=0)
    scope = table.scope(table.conversion, "run", 0)
    clock, chance = table.clock, random.Random(1)
    around = (cast("Any", None), clock, Deadline(clock, 1e6), chance)
    run = Recording(Job(table.destination, scope, "EUR"), table.ledger(scope), *around)
    run.bodies = []
    run.execute()
    first = {"sending": "create"}
    done = Counter(
        first.get(entry.state) or f"{entry.state}: {entry.reason}"
        for entry in (written.entry for written in table.store.written)
        if entry.state != "accepted"
    )
    said = {name: count for name, count in told["verdicts"].items() if "nothing" not in name}
    return (said, [each["sha256"] for each in told["requests"]]), (dict(done), run.bodies)


@pytest.mark.parametrize("kind", sorted(DESTINATIONS))
def test_a_dry_run_says_what_a_run_does(kind: str) -> None:
    said, done = both(kind, ROWS)
    assert said == done
    assert done[1]


if __name__ == "__main__":
    for each in sorted(DESTINATIONS):
        one, other = both(each, int(sys.argv[1]))
        print(each, "same" if one == other else "different", one[0])
