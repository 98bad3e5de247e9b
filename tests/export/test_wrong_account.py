"""An account that refuses for three days, whatever it says, and is mended: every row arrives.

The answers are the documented ones of each platform (`answers.json` beside its cases), given to
every request over real HTTP; nobody saves the destination, so that only ticks find out.
"""

from __future__ import annotations

import json
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from common.local.platforms.standin import InjectedFault, StandIn
from functions.export.contract.base import Destination
from functions.export.destinations.registry import DESTINATIONS
from functions.export.ledger.entries import Scope
from functions.export.payload.identifiers import sha256
from functions.export.payload.rows import ConversionRow
from functions.export.reconcile.delivery_state import (
    PARKED_AT_MOST,
    PROVED_AFTER,
    DeliveryState,
    dedup_key,
)
from functions.export.send.due import JUST_NOW, LATEST_DAYS
from functions.export.send.run import Job, Run
from functions.export.transport.clock import Deadline
from tests.bench.export import rows_of
from tests.destinations.harness import HERE, NOW, World, load, plain, sample_row, world
from tests.export.memory import MemoryLedger, Store, TableRun, due

DAYS = 3
FEW, MANY_A_DAY = 1, 6
"""New conversions a day: one, which nothing can be compared with, and more than a request whose
refusal could be the rows' own fault."""
TICK = timedelta(hours=8)
CALM = timedelta(hours=32)
"""After the account is mended: what was parked is tried again within a day."""


Body = Callable[[int], Any]
"""The body of an answer to so many rows."""


class Always(deque[InjectedFault | None]):
    """Faults that never end, each an answer to the newest call."""

    def __init__(self, stand_in: StandIn, status: int, body: Any) -> None:
        super().__init__([None])
        self.stand_in, self.status, self.body = stand_in, status, body

    def popleft(self) -> InjectedFault | None:
        if not callable(self.body):
            return InjectedFault(status=self.status, body=self.body)
        rows = len(rows_of(self.stand_in.calls[-1].json()))
        return InjectedFault(status=self.status, body=self.body(rows))


class Odd(deque[InjectedFault | None]):
    """The same answer to each request that holds a text, and the platform's own to all others."""

    def __init__(self, stand_in: StandIn, text: str, status: int, body: Any) -> None:
        super().__init__([None])
        self.stand_in, self.text, self.fault = (
            stand_in,
            text,
            InjectedFault(status=status, body=body),
        )
        self.times = 0

    def popleft(self) -> InjectedFault | None:
        if self.text not in json.dumps(self.stand_in.calls[-1].json()):
            return None
        self.times += 1
        return self.fault


def violations(name: str, reason: str) -> Body:
    return lambda rows: {
        "error": {
            "status": "INVALID_ARGUMENT",
            "details": [
                {
                    "fieldViolations": [
                        {"field": f"{name}[{row}]", "reason": reason} for row in range(rows)
                    ]
                }
            ],
        }
    }


def partial(code: int, name: str) -> Body:
    return lambda rows: {
        "PartialErrors": [{"Index": row, "Code": code, "ErrorCode": name} for row in range(rows)]
    }


def indices(rows: int) -> Any:
    named = ", ".join(map(str, range(rows)))
    text = "Conversion time should be within 90 days and not exceed current time, indices"
    return {"message": f"{text} [{named}] (0-indexed).", "status": 400}


EVERY_ROW: list[tuple[str, int, Body]] = [
    ("google_ads", 400, violations("events", "INVALID_FORMAT")),
    ("google_ads", 400, violations("events", "WORD_OF_TOMORROW")),
    ("google_customer_match", 400, violations("audience_members", "INVALID_SHA256_FORMAT")),
    ("microsoft_ads", 200, partial(5609, "OfflineConversionTimeOutOfWindow")),
    ("microsoft_ads", 200, partial(5606, "OfflineConversionNameInvalid")),
    ("microsoft_ads", 200, partial(9999, "WordOfTomorrow")),
    ("microsoft_audience", 200, partial(8001, "InvalidItem")),
    ("linkedin", 400, indices),
    ("linkedin", 200, lambda rows: {"elements": [{"status": 422}] * rows}),
    ("linkedin_audience", 200, lambda rows: {"elements": [{"status": 400}] * rows}),
]
"""Answers that name every row of a request: then it is none of them."""


def wrong_accounts() -> Iterator[tuple[str, int, Any]]:
    """Every documented answer that refuses a whole request: kind, status and body."""
    yield from EVERY_ROW
    for kind in sorted(DESTINATIONS):
        seen = []
        for each in load(HERE / kind / "answers.json"):
            answer = (each["status"], each.get("body"))
            if each["means"] in ("Halted", "Refused", "Retry") and answer not in seen:
                seen.append(answer)
                yield kind, *answer


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with world() as found:
        yield found


class Sending:
    """One conversion of a destination: its table, its ledger, and a platform that is wrong."""

    def __init__(self, here: World, kind: str) -> None:
        for stand_in in here.stand_ins.values():
            stand_in.__init__(here.clock.now)  # type: ignore[misc]
        here.clock.time = NOW
        self.here, self.store = here, Store()
        self.destination, self.conversion = plain(kind)
        self.chance = random.Random(kind)

    def adds(self, rows: int) -> None:
        """A day's new rows, and the run of the table that found them."""
        now = self.here.clock.now()
        for number in range(rows):
            id = f"o{len(self.store.table)}"
            self.store.table[id] = replace(
                sample_row(),
                id=id,
                client_id=f"{len(self.store.table)}.1",
                created=now - timedelta(minutes=number + 1),
                date=now.date(),
                click_at=now - timedelta(days=1),
                updated_at=now,
                email=f"{id}@example.com",
                phone=None,
                row_hash=len(self.store.table),
            )
        self.store.runs.append(TableRun(NOW.date(), now.date(), "applied", now))

    def runs(self) -> None:
        """What the message of a table, or a tick, does."""
        self.store.fence += 1
        scope = Scope("d", "a", self.conversion, 1, 1, f"x{self.store.fence}", self.store.fence)
        ledger = MemoryLedger(self.store, scope, NOW.date())
        clock = self.here.clock
        send = lambda request: self.destination.send(request, self.here.wire)  # noqa: E731
        around = (send, clock, Deadline(clock, 400), self.chance)
        Run(Job(self.destination, scope, "EUR"), ledger, *around).execute()

    def ticks(self, hours: timedelta) -> None:
        """Ticks for so long, each of which runs what is due."""
        clock = self.here.clock
        end = clock.time + hours
        while clock.time < end:
            clock.time += TICK
            now = clock.now()
            if due(self.store, now - JUST_NOW, now.date() - timedelta(days=LATEST_DAYS)):
                self.runs()

    def states(self) -> dict[str, DeliveryState]:
        scope = Scope("d", "a", self.conversion, 1, 1, "audit", 0)
        return MemoryLedger(self.store, scope, NOW.date()).delivery_states()


@pytest.mark.parametrize("a_day", [FEW, MANY_A_DAY])
@pytest.mark.parametrize(("kind", "status", "body"), [*wrong_accounts()])
def test_an_account_that_is_mended_gets_every_row_that_its_window_admits(
    kind: str, status: int, body: Any, a_day: int, running: World
) -> None:
    here = Sending(running, kind)
    for stand_in in running.stand_ins.values():
        stand_in.faults = Always(stand_in, status, body)
    for _ in range(DAYS):
        here.adds(a_day)
        here.runs()
        here.ticks(timedelta(days=1))
    for stand_in in running.stand_ins.values():
        stand_in.faults = deque()
    mended = running.clock.now()
    here.ticks(CALM)
    found = here.states()
    late = {id for id, row in here.store.table.items() if too_old(here.destination, row, mended)}
    assert len(late) < len(here.store.table)
    wrong = Counter(
        (known.state, known.reason)
        for id, known in found.items()
        if known.state != "accepted" and not (id in late and known.state == "expired")
    )
    assert wrong == {}


TOO_OLD = {"error": {"code": 100, "error_subcode": 2804003, "message": "too old"}}


def test_an_odd_row_that_came_alone_is_refused_for_good_once_another_passes(
    running: World,
) -> None:
    here = Sending(running, "meta")
    odd = odd_ones(running, dedup_key(here.conversion, "o0"), 400, TOO_OLD)
    here.adds(1)
    here.runs()
    assert state_of(here, "o0") == ("parked", "meta_100_2804003")
    here.ticks(timedelta(days=1))
    here.adds(1)
    here.runs()
    assert state_of(here, "o0")[0] == "parked"
    here.ticks(timedelta(days=5))
    assert state_of(here, "o0")[0] == "rejected"
    assert state_of(here, "o1")[0] == "accepted"
    assert odd() == PROVED_AFTER + 1


def test_an_odd_row_that_stays_alone_is_not_tried_for_ever(running: World) -> None:
    here = Sending(running, "linkedin_audience")
    odd = odd_ones(running, sha256("o0@example.com"), 200, {"elements": [{"status": 400}]})
    here.adds(1)
    here.runs()
    here.ticks(timedelta(days=30))
    assert state_of(here, "o0")[0] == "rejected"
    assert odd() <= PARKED_AT_MOST.days + 1


def odd_ones(running: World, text: str, status: int, body: Any) -> Callable[[], int]:
    """Have every platform refuse what holds the text; the function says how often one did."""
    found = [Odd(each, text, status, body) for each in running.stand_ins.values()]
    for stand_in, odd in zip(running.stand_ins.values(), found, strict=True):
        stand_in.faults = odd
    return lambda: sum(odd.times for odd in found)


def state_of(here: Sending, id: str) -> tuple[Any, Any]:
    known = here.states()[id]
    return known.state, known.reason


def too_old(destination: Destination[Any], row: ConversionRow, now: Any) -> bool:
    """Whether the platform's window has passed."""
    limit = destination.age_limit(row)
    return limit is not None and now - row.created > limit
