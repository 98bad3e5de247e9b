"""A dry run says of generated rows, for every destination, exactly what a run does with them.

Three days of one table: rows appear, change, lose their status or their consent and go; on each day
a dry run is held against the run after it, row by row and request by request.
`make fuzz-export` is the long form: 10,000 rows.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from functions.export.contract.base import Built, Destination
from functions.export.destinations.registry import DESTINATIONS
from functions.export.frontend import preview
from functions.export.ledger.entries import Scope
from functions.export.payload.rows import ConversionRow
from functions.export.send.delivery import Delivery
from functions.export.send.run import Job, Run
from functions.export.transport.calls import Request
from functions.export.transport.clock import Deadline
from functions.export.transport.results import Accepted, Result
from tests.destinations import generated
from tests.destinations.harness import NOW, TestClock, plain
from tests.export.memory import MemoryLedger, Store, TableRun

ROWS = 150
PORTION = 1000
"""Rows of one table in the long form: the ledger in memory takes four times as long for twice as
many."""
DAYS = 3
A_DAY = timedelta(days=1)


class Still(TestClock):
    """Time that waiting does not move, so that a run of any length judges at one moment."""

    def sleep(self, seconds: float) -> None:
        return


@dataclass
class Table:
    """A table of generated rows and its ledger, for a dry run and a run alike."""

    destination: Destination[Any]
    conversion: str
    rows: int
    first: int = 0
    clock: Still = field(default_factory=Still)

    id = "parity"

    def __post_init__(self) -> None:
        self.chance = random.Random(self.first)
        made = [odd(generated.row(self.first + n), self.chance) for n in range(self.rows)]
        self.store = Store(table={row.id: row for row in made})
        self.services = SimpleNamespace(clock=self.clock, settings=SimpleNamespace(currency="EUR"))

    def scope(self, conversion: str, run_id: str, fence: int) -> Scope:
        return Scope(self.id, "account", conversion, 1, 1, run_id, fence)

    def ledger(self, scope: Scope) -> MemoryLedger:
        return MemoryLedger(self.store, scope, self.start_date(scope))

    def left(self, conversion: str) -> list[Any]:
        return []

    def start_date(self, scope: Scope) -> date:
        return date(2026, 1, 1)

    def next_day(self) -> None:
        """A good run of the table, after which some rows are others and some are gone."""
        self.clock.time += A_DAY
        rows = [changed(row, self.chance) for row in self.store.table.values()]
        self.store.table = {row.id: row for row in rows if row is not None}
        self.store.runs.append(
            TableRun(date(2026, 1, 1), date(2027, 1, 1), "applied", self.clock.time)
        )


def odd(row: ConversionRow, chance: random.Random) -> ConversionRow:
    """Now and then a row that some platform takes otherwise, or not at all."""
    changes: list[dict[str, Any]] = [
        {"is_preliminary": True},
        {"click_at": NOW - timedelta(days=100)},
        {"click_at": NOW + timedelta(days=1), "email": None, "phone": None},
        {"google_click_at": NOW - timedelta(days=80), "microsoft_click_at": NOW - 95 * A_DAY},
        {"created": NOW + timedelta(hours=2)},
        {"created": NOW - timedelta(days=chance.choice((3, 8, 30, 80)))},
        {"value": chance.choice((-1.0, float("nan"), 1e300, 0.0))},
        {"currency": "XXX"},
        {"is_qualified": chance.choice((False, None))},
        {"consent_ad_user_data": chance.choice(("DENIED", "nope", "accept", ""))},
        {"event_source": "carrier pigeon"},
        {"value_kind": "predicted"},
    ]
    drawn = chance.randrange(3 * len(changes))
    return replace(row, **changes[drawn]) if drawn < len(changes) else row


def changed(row: ConversionRow, chance: random.Random) -> ConversionRow | None:
    """The row a day later; None when it is gone."""
    changes: list[dict[str, Any] | None] = [
        None,
        {"value": chance.choice((1.0, 99.0, None))},
        {"is_qualified": not row.is_qualified},
        {"consent_ad_user_data": "denied"},
        {"consent_ad_personalization": "denied"},
        {"email": f"new.{row.id}@example.com", "phone": None},
        {"email": "shared@example.com"},
        {"is_preliminary": False},
        {"currency": "JPY"},
    ]
    drawn = chance.randrange(2 * len(changes))
    if drawn >= len(changes):
        return row
    found = changes[drawn]
    anew = (row.row_hash or 0) + 1_000_000
    return None if found is None else replace(row, row_hash=anew, **found)


class Recording(Delivery):
    """Keeps the requests that would leave; the platform takes each."""

    def __init__(self, *around: Any) -> None:
        super().__init__(*around)
        self.bodies: list[str] = []

    def _once(self, request: Request, batch: Sequence[Built]) -> Result:
        self.bodies.append(request.sha256)
        return Accepted(f"r{len(self.bodies)}")


def both(table: Table, day: int) -> tuple[Any, Any]:
    """What the dry run says and what the run does: each row's verdict, and all requests."""
    shown = preview.dry_run(
        cast("Any", table), table.conversion, limit=preview.MAXIMUM_ROWS, bodies=0, force=True
    )
    assert shown["complete"]
    table.store.fence = day
    scope = table.scope(table.conversion, f"run{day}", day)
    clock, chance = table.clock, random.Random(1)
    around = (cast("Any", None), clock, Deadline(clock, 1e6), chance)
    run = Run(Job(table.destination, scope, "EUR", force=True), table.ledger(scope), *around)
    recording = Recording(table.destination, table.conversion, scope.run_id, *around)
    run._delivery = recording
    before = len(table.store.written)
    run.execute()
    done: dict[str, tuple[str, str | None]] = {}
    for entry in (written.entry for written in table.store.written[before:]):
        if entry.state == "sending" and entry.sent:
            done[entry.conversion_id] = (entry.sent.op, None)
        elif entry.conversion_id not in done:
            done[entry.conversion_id] = (entry.state, entry.reason)
    said = {
        each["id"]: (each["verdict"], each.get("reason"))
        for each in shown["rows"]
        if each["verdict"] != "nothing"
    }
    return (said, [each["sha256"] for each in shown["requests"]]), (done, recording.bodies)


@pytest.mark.parametrize("kind", sorted(DESTINATIONS))
def test_a_dry_run_says_what_a_run_does(kind: str) -> None:
    table = Table(*plain(kind), ROWS)
    for day in range(1, DAYS + 1):
        said, done = both(table, day)
        assert said == done
        assert done[0]
        table.next_day()


def main() -> None:
    """Hold so many rows against each other for every destination, and print what was decided."""
    rows, failed = int(sys.argv[1]), False
    for kind in sorted(DESTINATIONS):
        verdicts: Counter[str] = Counter()
        requests = 0
        for first in range(0, rows, PORTION):
            table = Table(*plain(kind), min(PORTION, rows - first), first)
            for day in range(1, DAYS + 1):
                said, done = both(table, day)
                failed |= said != done
                verdicts.update(verdict for verdict, _ in said[0].values())
                requests += len(said[1])
                table.next_day()
        said_so = "DIFFERENT" if failed else "same"
        print(kind, said_so, requests, "requests", dict(verdicts), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
