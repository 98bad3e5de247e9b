"""Generated histories: late, reordered and duplicated data, crashes, pauses, repeated messages.

Whatever happens on the way, the daily runs must end in exactly the table of one full run.
`python -m tests.materialize.histories --histories 2000` tries as many as one likes.

What must hold is in `judge`, `check` and `attempts`; `MUTANTS` are designs that look right and are
not, each of which a test of histories must find out.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from typing import Any, ClassVar, Literal, TypeVar
from unittest.mock import patch

from common import schemas
from common.bigquery.sql import Sql
from common.bigquery.warehouse import Executed
from common.errors import RetryableError, UserError
from common.local.limits.faults import Fault, Faults, Odds
from common.messaging.messages import (
    Materialized,
    MaterializeTask,
    Message,
    RunRequested,
    ScoreTask,
)
from common.model.window import Window
from common.untyped import Row
from functions.materialize.runs.run import handle
from tests import leases
from tests.case_files import staged
from tests.materialize.world import QuickWorld
from tests.quick import QuickWarehouse, database

START = date(2026, 11, 2)
DAYS = 7
LATE = 2
"""An event arrives with the run of its day or at most this many runs later."""
REFUND_DAYS = 2
BROKEN = -5.0
"""A value that no conversion may have."""
TOLD_LATE = {"person_id", "row_hash"}
"""Who somebody is may be learned after a row was frozen, which keeps what was known then."""

BUY: dict[str, Any] = {"id": "purchase", "event_type": "purchase"}
LEAD: dict[str, Any] = {
    "id": "lead",
    "event_type": "custom_event",
    "filters": {"dimension": "event", "operator": "equals", "value": "generate_lead"},
    "value": {"type": "none"},
}
SHAPES: dict[str, list[dict[str, Any]]] = {
    "refunds": [{**BUY, "refunds": {"days": REFUND_DAYS}}],
    "removed": [{**BUY, "refunds": {"days": REFUND_DAYS, "remove_fully_refunded": True}}],
    "first": [{**BUY, "deduplicate_by_user": True, "missing_order_id": "drop"}],
    "returned": [{**BUY, "deduplicate_by_user": True,
                  "refunds": {"days": 1, "remove_fully_refunded": True}}],
    "visit": [{**BUY, "once_per_session": True,
               "refunds": {"days": 1, "remove_fully_refunded": True}}],
    "spaced": [{**LEAD, "deduplicate_by_user": True, "deduplication_days": 2}],
    "session": [{**LEAD, "once_per_session": True}],
    "spaced_visits": [{**LEAD, "once_per_session": True, "deduplicate_by_user": True,
                       "deduplication_days": 1}],
    "both": [
        BUY,
        LEAD,
        {"id": "both", "kind": "combined", "conversions": ["purchase", "lead"],
         "deduplication_days": 1},
    ],
    "custom": [
        {"id": "order", "kind": "custom", "adjustment_days": 3,
         "sql": "SELECT id, client_id, created, value FROM `test-project.quick_crm.orders`"
                " WHERE date BETWEEN @start_date AND @end_date"},
    ],
    "told": [
        {"id": "order", "kind": "custom", "adjustment_days": 3,
         "sql": "SELECT id, client_id, user_id, created, value FROM `test-project.quick_crm.orders`"
                " WHERE date BETWEEN @start_date AND @end_date"},
        {**BUY, "id": "first", "deduplicate_by_user": True},
    ],
}  # fmt: skip
ORDERS = [
    {"name": "id", "type": "STRING", "mode": "NULLABLE"},
    {"name": "client_id", "type": "STRING", "mode": "NULLABLE"},
    {"name": "user_id", "type": "STRING", "mode": "NULLABLE"},
    {"name": "created", "type": "TIMESTAMP", "mode": "NULLABLE"},
    {"name": "value", "type": "FLOAT", "mode": "NULLABLE"},
    {"name": "date", "type": "DATE", "mode": "NULLABLE"},
]


Source = Literal["events", "orders"]


class Violated(AssertionError):
    """A history after which something is not as it must be."""


@dataclass(frozen=True)
class Arrival:
    """A row of a source that is there from the run of `first` to that before `last`."""

    row: dict[str, Any]
    first: int
    last: int = DAYS
    source: Source = "events"


@dataclass(frozen=True)
class History:
    """What one seed means: definitions, and what their sources hold at the run of each day."""

    seed: int
    shape: str
    arrivals: tuple[Arrival, ...]

    @property
    def sources(self) -> frozenset[Source]:
        """Those that any row is of."""
        return frozenset(it.source for it in self.arrivals)

    def known(self, day: int, source: Source) -> list[dict[str, Any]]:
        """The source's rows as the run of that day finds them, in an order of its own."""
        of_source = (it for it in self.arrivals if it.source == source)
        rows = [it.row for it in of_source if it.first <= day < it.last]
        random.Random(f"{self.seed}|{day}").shuffle(rows)
        return rows


def history(seed: int, shape: str = "") -> History:
    """The history of a seed, of one shape or of the seed's own choice."""
    dice = random.Random(seed)
    shape = shape or dice.choice(sorted(SHAPES))
    made = {"custom": _orders, "told": _shown}.get(shape, _events)(dice)
    return History(seed, shape, tuple(made))


def _events(dice: random.Random) -> Iterator[Arrival]:
    """Events of two clients of one user and of a third who may tell late who it is."""
    for number, client in enumerate("ab"):
        # events of a and b do not always say so themselves
        login = {"at": _at(0), "name": "login", "client": client, "user": "u"}
        yield Arrival(staged(login, "UTC", 100 + number), 0)
    late_user = dice.choice([None, "v"])
    for number in range(dice.randint(6, 22)):
        day, hour = dice.randrange(DAYS), dice.choice([0, 1, 9, 9, 12, 23])
        client = dice.choice("abc")
        name = dice.choice(["purchase", "purchase", "generate_lead", "generate_lead", "refund"])
        order = dice.choice(["T1", "T2", "T3", "T4", None])
        user = dice.choice(["u", None]) if client in "ab" else late_user if day > 3 else None
        event = {
            "at": _at(day, hour), "name": name, "order": order, "currency": "USD",
            "client": dice.choice([client, client, client, None]), "user": user,
            "session": dice.choice([f"{client}.{day if hour else max(day - 1, 0)}", None]),
        }  # fmt: skip
        if name == "refund":
            event["refund_value"] = dice.choice([10.0, 10.0, 35.0, None])
        else:
            event["value"] = dice.choice([20.0, 35.0, 35.0, None, BROKEN])
        row = staged(event, "UTC", number)
        yield Arrival(row, min(day + dice.choice([0, 0, 0, 1, LATE]), DAYS - 1))


def _shown(dice: random.Random) -> Iterator[Arrival]:
    """The same events, but only a CRM says that a and b are one user; c gets guests' numbers."""
    for number, client in enumerate("ab"):
        row = _order(f"K{number}", client, "u", _at(0), 5.0)
        yield Arrival(row, 0, source="orders")
    for arrival in _events(dice):
        user = arrival.row["user_id"]
        if arrival.row["event_name"] != "login":
            anonymous = {**arrival.row, "user_id": None if user == "u" else user}
            yield replace(arrival, row=anonymous)
    yield from _orders(dice)


def _orders(dice: random.Random) -> Iterator[Arrival]:
    """Rows of a CRM that come late, change, break, move to another day, vanish and return."""
    for number in range(dice.randint(4, 12)):
        day = first = dice.randrange(DAYS)
        for _ in range(dice.randint(1, 3)):
            # what happens to a row happens while its day may still be adjusted
            last = first + dice.randint(1, 2)
            ends = dice.random() < 0.7 and last <= day + 2 and last < DAYS
            value = dice.choice([5.0, 8.0, 13.0, BROKEN])
            row = _order(f"O{number}", "c", f"G{number}", _at(day), value)
            yield Arrival(row, first, last if ends else DAYS, "orders")
            if not ends:
                break
            first = last + dice.randint(0, 1)
            if first > day + 2 or first >= DAYS:
                break
            day = dice.choice([day, day, min(day + 1, first)])


def _order(id: str, client: str, user: str, created: datetime, value: float) -> dict[str, Any]:
    return {"id": id, "client_id": client, "user_id": user, "created": created, "value": value,
            "date": created.date()}  # fmt: skip


def _at(day: int, hour: int = 9) -> datetime:
    return datetime(START.year, START.month, START.day, hour, tzinfo=UTC) + timedelta(days=day)


Result = TypeVar("Result")


class Crash(ConnectionResetError):
    """The worker is gone."""


class Worker(QuickWarehouse):
    """One worker's view of the shared database; may die or pause at a statement of its own."""

    def __init__(
        self,
        house: QuickWarehouse,
        dies_at: int = 0,
        *,
        after: bool = False,
        faults: Faults | None = None,
    ) -> None:
        super().__init__(house.settings, house.connection)
        self.house = house
        self.faults = faults
        self.jobs = house.jobs
        self.dies_at = dies_at
        self.after = after
        self.is_dead = False
        self.before_merge: Callable[[], None] | None = None

    def rows(self, sql: Sql, **options: Any) -> Iterator[dict[str, Any]]:
        return self._maybe(lambda: QuickWarehouse.rows(self, sql, **options))

    def append(self, table: str, rows: Any) -> None:
        self._maybe(lambda: QuickWarehouse.append(self, table, rows))

    def claim(self, id: str) -> bool:
        return self._maybe(lambda: QuickWarehouse.claim(self, id))

    def execute(self, sql: Sql, *, job_id: str | None = None, labels: Any = None) -> Executed:
        return self._maybe(lambda: self.submit(sql, job_id))

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        """Run a statement as this design does; wrong designs differ here."""
        if self.house.refused and self.house.refused in sql.text.partition("\n")[0]:
            raise UserError("The export may not be read.", code="access_denied")
        return super().execute(sql, job_id=job_id)

    def execute_together(self, statements: Sequence[Sql], *, job_id: str) -> None:
        if self.before_merge:
            pause, self.before_merge = self.before_merge, None
            pause()
        self._maybe(lambda: self.submit_together(statements, job_id))

    def submit_together(self, statements: Sequence[Sql], job_id: str) -> None:
        """Run statements in one transaction; wrong designs differ here."""
        self.together([partial(self.submit, each, None) for each in statements], job_id)

    def _maybe(self, work: Callable[[], Result]) -> Result:
        if self.is_dead:
            raise Crash("nothing more comes from a dead worker")
        self.dies_at -= 1
        self.is_dead = self.dies_at == 0
        if self.is_dead and not self.after:
            raise Crash("before")
        fault = self.faults.draw() if self.faults else None
        if fault in (Fault.INTERNAL, Fault.BACKEND, Fault.RESET_BEFORE):
            raise RetryableError("BigQuery did nothing.", code="backend_error")
        done = work()
        if self.dies_at == 0:
            raise Crash("after")
        if fault is Fault.RESET_AFTER:
            raise RetryableError("BigQuery did it, and nobody heard.", code="bigquery_unavailable")
        return done


class Rewording(Worker):
    """A design that says some things in other words."""

    words: ClassVar[dict[str, str]] = {}

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        text = sql.text
        for ours, theirs in self.words.items():
            text = text.replace(ours, theirs)
        return super().submit(replace(sql, text=text), job_id)


class Appends(Rewording):
    """What is new is added; what is there already stays as it is beside it."""

    words: ClassVar = {
        "AND target.date = COALESCE(source.old_date, source.date)": "AND FALSE",
        "AND source.change = 'insert'": "AND source.change <> 'delete'",
    }


class Upserts(Rewording):
    """MERGE by id without a look at what is gone from the source."""

    words: ClassVar = {"WHEN MATCHED AND source.change = 'delete' THEN DELETE\n": "",
                       "FROM fresh\nFULL OUTER JOIN": "FROM fresh\nLEFT JOIN"}  # fmt: skip


class OverwritesDaysWithData(Worker):
    """The days of which the source has rows are replaced, as dbt's dynamic partitions are."""

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        if not sql.text.startswith("MERGE") or "_difference" not in sql.text:
            return super().submit(sql, job_id)
        rows = sql.text.split("FROM ")[1].split(" AS d")[0].replace("_difference", "_candidates")
        days = f"SELECT DATE(c.created) FROM {rows} AS c WHERE c.removed IS NULL"
        kept = f"AS d WHERE d.change <> 'delete' OR d.old_date IN ({days})"
        return super().submit(replace(sql, text=sql.text.replace("AS d\n", f"{kept}\n", 1)), job_id)


class DeletesThenInserts(Worker):
    """Two jobs, between which a reader sees neither the old rows nor the new ones."""

    def submit_together(self, statements: Sequence[Sql], job_id: str) -> None:
        for each in statements:
            self.submit(each, None)

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        if sql.text.startswith("MERGE"):
            gone = sql.text.replace(
                "WHEN MATCHED THEN UPDATE", "WHEN MATCHED AND FALSE THEN UPDATE"
            )
            gone = gone.replace("source.change = 'delete'", "source.change <> 'insert'")
            gone = gone.replace("AND source.change = 'insert'", "AND FALSE")
            super().submit(replace(sql, text=gone), None)
            self._maybe(lambda: None)
            rest = sql.text.replace("AND source.change = 'insert'", "AND source.change <> 'delete'")
            return super().submit(replace(sql, text=rest), job_id)
        return super().submit(sql, job_id)


class WithoutFence(Worker):
    """A worker that was paused writes when it wakes, whoever wrote meanwhile."""

    def submit(self, sql: Sql, job_id: str | None) -> Executed:
        if sql.text.startswith("MERGE"):
            return super().submit(replace(sql, text=sql.text.replace(") = @fence", ") > 0")), None)
        return super().submit(sql, job_id)

    def submit_together(self, statements: Sequence[Sql], job_id: str) -> None:
        unfenced = [each for each in statements if "ERROR(" not in each.text]
        super().submit_together(unfenced, f"{job_id} {len(self.jobs)}")


class WithoutMemory(Rewording):
    """Duplicates are looked for inside the window only."""

    words: ClassVar = {
        "target.date < @start_date": "target.date < DATE '1900-01-01'",
        "history.date < @start_date": "history.date < DATE '1900-01-01'",
    }


class ForgetsWhatWasReturned(Rewording):
    """Only rows that still count are remembered; what was refunded and removed silences nobody."""

    words: ClassVar = {
        "FROM past_persons\n": "FROM past_persons WHERE FALSE\n",
        "SELECT past.session_id FROM past": "SELECT past.session_id FROM past WHERE FALSE",
    }


class AsksGa4Alone(Rewording):
    """Who is who is learned from GA4 only."""

    words: ClassVar = {"AND source.user_id IS NOT NULL": "AND FALSE"}


class TakesGuestsForUsers(Rewording):
    """A number that a guest gets for one order is believed to be a user's id."""

    words: ClassVar = {"COUNTIF(pairs.in_ga4) OVER user_ids > 0": "TRUE"}


Design = type[Worker]
MUTANTS: tuple[Design, ...] = (
    Appends,
    Upserts,
    OverwritesDaysWithData,
    DeletesThenInserts,
    WithoutFence,
    WithoutMemory,
    ForgetsWhatWasReturned,
    AsksGa4Alone,
    TakesGuestsForUsers,
)
"""The wrong designs of a materialization, each of which a test of histories must find out."""


@cache
def connection() -> Any:
    """One database for all histories of this process.

    Histories judge who writes what when, not how a number is spelled: short spellings are planned
    in a third of the time.
    """
    made = database()
    # a plan that is run once over twenty rows costs more to better than it saves
    made.execute("PRAGMA disable_optimizer")
    made.execute(
        "CREATE OR REPLACE MACRO googlesql_to_json(x)"
        " AS coalesce(CAST(to_json(x) AS VARCHAR), 'null')"
    )
    made.execute("CREATE OR REPLACE MACRO googlesql_string(x) AS CAST(x AS VARCHAR)")
    return made


@dataclass
class Tally:
    """What happened in the histories so far."""

    runs: int = 0
    """Times that a message was carried out to its end."""
    kills: int = 0
    pauses: int = 0
    """Writers that slept, half of them past their lease, while another one wrote."""
    replays: int = 0
    """Messages that were delivered once more."""
    faults: int = 0
    """Calls of BigQuery that met one."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.runs + other.runs,
            self.kills + other.kills,
            self.pauses + other.pauses,
            self.replays + other.replays,
            self.faults + other.faults,
        )


@dataclass
class Play:
    """One history on its way through daily runs."""

    history: History
    design: Design = Worker
    world: QuickWorld = field(
        default_factory=lambda: QuickWorld(connection=connection(), properties=())
    )
    postponed: list[Message] = field(default_factory=list)
    share_of_faults: float = 0.0
    """Of calls of BigQuery that fail, after all that the warehouse repeats by itself."""
    tally: Tally = field(default_factory=Tally)
    fences: dict[tuple[str, str], int] = field(default_factory=dict)
    """(conversion, id) → fence of the row when it was last looked at."""
    present: set[str] = field(default_factory=set)
    """Conversions that have a table; none ever loses it."""

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{self.history.seed}|play")
        self.faults = Faults(self.history.seed, Odds(self.share_of_faults))
        for definition in SHAPES[self.history.shape]:
            self.world.define(**definition)
        self.ids = [definition["id"] for definition in SHAPES[self.history.shape]]
        self.day = 0

    def feed(self, day: int) -> None:
        """The sources become what they are at the run of that day."""
        self.day = day
        tables = {
            "events": (
                self.world.warehouse.path("ga4_events"),
                schemas.load("ga4_events")["schema"],
            ),
            "orders": ("test-project.quick_crm.orders", ORDERS),
        }
        for source in self.history.sources:
            self.world.replace(*tables[source], self.history.known(day, source))
        if "events" in self.history.sources:
            memory = (
                self.world.warehouse.path("order_memory"),
                schemas.load("order_memory")["schema"],
            )
            self.world.replace(*memory, _remembered(self.history.known(day, "events")))

    def at(self, day: int) -> RunRequested:
        """The tick of the morning after that day."""
        last = START + timedelta(days=day)
        self.world.now = datetime(last.year, last.month, last.day, 6, tzinfo=UTC) + timedelta(1)
        return RunRequested(trigger="schedule", request_id=f"{day}", force=True)

    def daily(self) -> None:
        """All days in order, with everything that goes wrong."""
        for day in range(DAYS):
            self.feed(day)
            queue: list[Message] = [self.at(day)]
            if self.postponed and self.dice.random() < 0.7:
                queue += self.postponed
                self.postponed = []
            if self.dice.random() < 0.2:
                queue += self.once_more(queue[0])
            self.deliver(queue, last_day=day == DAYS - 1)
        self.deliver(self.postponed, last_day=True)
        self.postponed = []

    def deliver(self, queue: list[Message], *, last_day: bool) -> None:
        """Messages in any order, some twice, each until it is carried out."""
        while queue:
            message = queue.pop(self.dice.randrange(len(queue)))
            if isinstance(message, (Materialized, ScoreTask)):
                continue
            queue += self.attempts(message, last_day=last_day)
            self.check()

    def attempts(self, message: Message, *, last_day: bool) -> list[Message]:
        """Carry the message out, through crashes; what it leads to.

        After a crash the table is as before or as it will be in the end, never in between.
        """
        seen: list[Any] = []
        while self.dice.random() < 0.35:
            seen = seen or [self.state(message)]
            dies_at = self.dies_at()
            after = self.dice.random() < 0.5
            worker = self.design(self.world.quick, dies_at, after=after, faults=self.faults)
            try:
                following = self.carried(message, worker)
            except Crash:
                self.tally.kills += 1
                if not last_day and self.dice.random() < 0.2:
                    self.lapse()
                    self.postponed.append(message)
                    return []
                seen.append(self.state(message))
                continue
            except RetryableError:
                return [message]
            self._old_or_new(message, seen)
            return following
        worker = self.design(self.world.quick, faults=self.faults)
        if isinstance(message, MaterializeTask) and self.dice.random() < 0.1:
            worker.before_merge = lambda: self.interrupt(message)
        try:
            following = self.carried(message, worker)
        except RetryableError:
            return [message]
        self._old_or_new(message, seen)
        return following + (self.once_more(message) if self.dice.random() < 0.1 else [])

    def dies_at(self) -> int:
        """At any statement, and half of the time at one of those around the write."""
        return self.dice.choice([self.dice.randint(1, 20), self.dice.randint(10, 15)])

    def once_more(self, message: Message) -> list[Message]:
        """The message again, as Pub/Sub may deliver any."""
        self.tally.replays += 1
        return [message]

    def _old_or_new(self, message: Message, seen: list[Any]) -> None:
        """After each crash the rows were those before the first or those after the last try."""
        if len(seen) > 1:
            possible = (seen[0], self.state(message))
            if any(state not in possible for state in seen):
                raise Violated(f"{self.history.seed}: a crash left rows between old and new")

    def state(self, message: Message) -> Any:
        """The rows of the message's conversion, for what no crash may leave half done."""
        id = getattr(message, "conversion", "")
        if not id or not self.exists(id):
            return []
        path = self.world.warehouse.path(f"conversion_{id}")
        return self.world.query(f"SELECT id, date, value FROM `{path}` ORDER BY id")

    def carried(self, message: Message, worker: Worker) -> list[Message]:
        self.world.bus.queue.clear()
        handle(self.world.services(warehouse=worker), message)
        self.tally.runs += 1
        following, self.world.bus.queue = list(self.world.bus.queue), []
        return following

    def interrupt(self, task: MaterializeTask) -> None:
        """While a worker pauses before its write, another run of the same conversion comes.

        Within the lease it stands back; after the lease it does its work on what the source is by
        then, and ends before the first one wakes.
        """
        self.tally.pauses += 1
        if self.dice.random() < 0.7:
            self.lapse()
        other = task.model_copy(update={"run_id": f"{task.run_id}-other"})
        if self.history.shape == "custom":
            self.feed(min(self.day + 1, DAYS - 1))
        self.carried(other, self.design(self.world.quick))
        self.check()

    def lapse(self) -> None:
        """Every lease runs out, as it does half an hour after its holder died."""
        leases.lapse(self.world.warehouse)

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """What every conversion table says, without who wrote it when."""
        return {
            id: [
                {name: value for name, value in row.items() if name not in TOLD_LATE}
                for row in self.world.rows(id)
            ]
            for id in self.ids
            if self.exists(id)
        }

    def exists(self, id: str) -> bool:
        if id not in self.present:
            names = self.world.warehouse.tables_in(self.world.dataset)
            self.present |= {id for id in self.ids if f"conversion_{id}" in names}
        return id in self.present

    def check(self) -> None:
        """What holds at every moment: unique ids, growing fences, one ledger entry a fence."""
        present = [id for id in self.ids if self.exists(id)]
        parts = [
            f"SELECT '{id}' AS conversion, id, fence FROM `{self.world.warehouse.path(table)}`"
            for id in present
            for table in [f"conversion_{id}"]
        ]
        parts.append(
            # named, because no conversion may have a table yet
            "SELECT CONCAT('ledger of ', conversion) AS conversion, CAST(fence AS STRING) AS id,"
            " fence"
            f" FROM `{self.world.warehouse.path('runs')}`"
            " WHERE fence IS NOT NULL AND status <> 'coalesced'"
        )
        fences: dict[tuple[str, str], int] = {}
        for row in self.world.query(" UNION ALL ".join(parts)):
            key = (row["conversion"], row["id"])
            if key in fences:
                raise Violated(f"{self.history.seed}: {key} is there twice")
            if self.fences.get(key, 0) > row["fence"]:
                raise Violated(f"{self.history.seed}: {key} went back in time")
            fences[key] = row["fence"]
        self.fences = fences


def full(shown: History, *, chunks: bool = False) -> dict[str, list[dict[str, Any]]]:
    """The tables after one run over all days on the final data, or two over halves of them."""
    play = Play(shown)
    play.feed(DAYS - 1)
    request = play.at(DAYS - 1)
    if chunks:
        middle = START + timedelta(days=DAYS // 2)
        play.world.handle(
            request.model_copy(
                update={"end_date": middle, "start_date": START, "request_id": "first"}
            )
        )
    play.world.handle(request.model_copy(update={"start_date": START}))
    return play.tables()


def _remembered(events: Iterable[Row]) -> list[dict[str, Any]]:
    """The memory of orders as the fill of the stage keeps it: one row an order and day."""
    seen = {
        (event["date"], event["property"], event["order_id"]): event
        for event in events
        if event["event_name"] == "purchase" and event["order_id"] is not None
    }
    empty = dict.fromkeys(schemas.columns("order_memory"))
    return [
        {**empty, "date": day, "memory_key": f"{day}|{order}", "property": of, "order_id": order,
         "purchase_id": event["purchase_id"] or order, "is_history": False}
        for (day, of, order), event in seen.items()
    ]  # fmt: skip


@contextmanager
def given_stage() -> Iterator[None]:
    """The stage is written by the history itself: no export is asked for, and none is missed."""
    there = Window(START - timedelta(days=1), START + timedelta(days=DAYS))
    with (
        patch("functions.materialize.runs.run.stage.exported", return_value=there),
        patch("functions.materialize.runs.run.facts.report_export"),
    ):
        yield


def judge(seed: int, design: Design = Worker, shape: str = "", *, faults: float = 0.0) -> Tally:
    """What happened; raises Violated when the daily runs end elsewhere than a full run.

    `faults` is the share of BigQuery's calls that fail.
    """
    with given_stage():
        return _judge(seed, design, shape, faults)


def _judge(seed: int, design: Design, shape: str, faults: float) -> Tally:
    shown = history(seed, shape)
    play = Play(shown, design, share_of_faults=faults)
    play.daily()
    play.tally.faults = len(play.faults.drawn)
    incremental = play.tables()
    for day in (DAYS - 1, DAYS - 2):
        play.deliver(play.once_more(play.at(day)), last_day=True)
    again = play.at(DAYS - 1).model_copy(update={"request_id": "again"})
    play.deliver([again], last_day=True)
    if play.tables() != incremental:
        raise Violated(f"seed {seed}, {shown.shape}: a repeated message changed rows")
    whole = full(shown, chunks=seed % 2 == 0)
    if not any(whole.values()):
        raise AssertionError(
            f"seed {seed}, {shown.shape}: nothing was counted, so nothing is judged"
        )
    if incremental != whole:
        raise Violated(f"seed {seed}, {shown.shape}: {_first_difference(incremental, whole)}")
    return play.tally


def caught(design: Design, histories: int, first: int = 0) -> int | None:
    """The seed, from `first` on, at which a wrong design is found out; None if it never is."""
    for seed in range(first, histories):
        try:
            judge(seed, design)
        except Violated:
            return seed
    return None


def _first_difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    for id in wanted:
        short = [
            [(row["id"], row["created"], row["value"]) for row in tables.get(id, [])]
            for tables in (found, wanted)
        ]
        if found.get(id) != wanted[id]:
            return f"{id}: daily {short[0]}, full {short[1]}"
    return "nothing"


@dataclass(frozen=True)
class Trial:
    """What one seed came to."""

    shape: str
    tally: Tally
    violation: str = ""


def tried(seed: int, faults: float = 0.0) -> Trial:
    """The seed judged, without the words of the functions."""
    with redirect_stdout(io.StringIO()):
        try:
            return Trial(history(seed).shape, judge(seed, faults=faults))
        except Violated as violation:
            return Trial(history(seed).shape, Tally(), str(violation))


def summary(trials: dict[str, list[Trial]]) -> Iterator[str]:
    """The lines of a table: what happened to the histories of each shape, and in all."""
    everything = [trial for listed in trials.values() for trial in listed]
    yield "".join(f"{name:>12}" for name in COUNTED)
    for name, listed in [*sorted(trials.items()), ("all", everything)]:
        total = sum((trial.tally for trial in listed), Tally())
        counted = (len(listed), *vars(total).values(), sum(bool(it.violation) for it in listed))
        yield f"{name:>12}" + "".join(f"{number:>12,}" for number in counted)


COUNTED = "shape histories runs kills pauses replays faults violations".split()


def main() -> None:
    """Tries seeds in order and tells what happened; ends with code 1 after a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--first-seed", type=int, default=0, help="where to go on")
    parser.add_argument("--faults", type=float, default=0.0, help="share of calls that fail")
    parser.add_argument("--processes", type=int, default=1, help="histories at a time")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.histories)
    trials: dict[str, list[Trial]] = defaultdict(list)
    started = time.monotonic()
    judged = partial(tried, faults=options.faults)
    with multiprocessing.Pool(options.processes) as pool:
        for number, trial in enumerate(pool.imap(judged, seeds), start=1):
            trials[trial.shape].append(trial)
            if trial.violation:
                print(trial.violation, flush=True)
            if number % 50 == 0:
                pace = number / (time.monotonic() - started) * 60
                print(
                    f"{number:,} of {len(seeds):,} histories, {pace:.0f} a minute;"
                    f" go on with --first-seed {seeds[number - 1] + 1}",
                    flush=True,
                )
    print("\n".join(summary(trials)))
    sys.exit(any(trial.violation for listed in trials.values() for trial in listed))


if __name__ == "__main__":
    main()
