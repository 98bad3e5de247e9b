"""Generated histories of a GA4 export: daily tables land late, change, go; runs are killed.

Whatever the tables do on the way, at any age, and whoever edits a definition meanwhile, the daily
runs must end in exactly the rows of one run over what the tables said last. The stage, the look at
the export and all statements are the product's own; the raw tables are there. `make histories`
tries 2,000 and then each wrong way of `WRONG`, which must be found out; what this code has passed
already is not tried again.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import multiprocessing
import random
import sys
import time as clock
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from common.catalog import plan, progress
from common.ga4 import shards as shards_of
from common.ga4 import stage
from common.local.limits.faults import Faults, Odds
from common.messaging.messages import MaterializeTask, Message, RunRequested, Watchdog
from common.model.run_status import RunStatus
from functions.materialize.ledger import Ledger
from functions.materialize.runs import run
from tests.materialize.histories import (
    Crash,
    Design,
    History,
    Play,
    Rewording,
    Violated,
    Worker,
    connection,
)
from tests.materialize.world import QuickWorld, export, ga4_schema

START = date(2026, 11, 2)
OFFSETS = (0, 2, 8, 9, 15, 17)
"""The days of the export, from the first on. Between them nobody runs for longer than GA4 is known
to write a day again, so that a day that changes is out of every run's own reach."""
DAYS = (3, 3, 3, 4, 4, len(OFFSETS))
"""How many of them a history has, by dice."""
GROUPS = 6
"""Clients who are strangers to those of other groups, each a history of its own: one more row costs
nearly nothing beside a statement, and whatever the tables do happens to all groups at once."""
SHIFTS = (0, 8 * 3_600_000_000, -9 * 3_600_000_000)
"""Microseconds that the days of a property begin later than the project's: a daily table may tell
hours of the day after it, or of the day before."""
PURCHASE: dict[str, Any] = {"id": "purchase", "event_type": "purchase", "refunds": {"days": 3}}
FIRST: dict[str, Any] = {"id": "first", "event_type": "purchase", "deduplicate_by_user": True}
SHAPES = ((PURCHASE,), (FIRST,), (PURCHASE, FIRST))
EDITED: dict[str, Any] = {"refunds": {"days": 3, "remove_fully_refunded": True}}
"""What somebody changes of a definition while it runs."""
PROPERTIES = ("ga4", "ga4b")


Table = tuple[str, int]
"""A daily table: its property and the number of its day."""


@dataclass(frozen=True)
class Seen:
    """An event that the export shows from the run of `first` to that before `last`."""

    table: Table
    row: dict[str, Any]
    first: int
    last: int


@dataclass(frozen=True)
class Shards:
    """What one seed means: events, and from which run to which other each day's table is there."""

    seed: int
    days: int
    definitions: tuple[dict[str, Any], ...]
    events: tuple[Seen, ...]
    there: dict[Table, tuple[tuple[int, int], ...]]
    """From which run on and up to before which other each daily table is there."""
    edited_at: int | None
    """The run by which the first definition is saved anew."""
    unread: range
    """The runs that may not read the export."""

    @property
    def properties(self) -> tuple[str, ...]:
        """Those that export."""
        return tuple(dict.fromkeys(name for name, _ in self.there))

    @property
    def edited(self) -> tuple[dict[str, Any], ...]:
        """The definitions as they are in the end."""
        first, *others = self.definitions
        return self.definitions if self.edited_at is None else ({**first, **EDITED}, *others)

    def content(self, table: Table, run: int) -> list[dict[str, Any]] | None:
        """The rows of the table as the run of that number finds it; None where it is not there."""
        if not any(first <= run < last for first, last in self.there[table]):
            return None
        return [it.row for it in self.events if it.table == table and it.first <= run < it.last]

    def final(self, table: Table) -> list[dict[str, Any]]:
        """What the table said last, be it gone by now."""
        return self.content(table, max(last for _, last in self.there[table]) - 1) or []


def date_of(day: int) -> date:
    """The date of the history's day of that number."""
    return START + timedelta(days=OFFSETS[day])


def shards(seed: int) -> Shards:
    """The history of a seed."""
    dice = random.Random(f"{seed}|export")
    days, shape = dice.choice(DAYS), dice.choice(SHAPES)
    properties = dice.choice([PROPERTIES[:1], PROPERTIES[:1], PROPERTIES])
    # where nothing is there at first, the first runs have nothing to count
    begins = dice.choice([0, 0, 0, min(days - 2, 3)])
    there = {
        (name, day): spans
        for name in properties
        for day, spans in enumerate(_tables(dice, days, begins))
    }
    # days of a property that begin with the project's, later or earlier
    shifts = {name: dice.choice(SHIFTS) for name in properties}
    # tables that keep their number of rows, whatever they say
    is_steady = random.Random(f"{seed}|steady").random() < 0.25
    events = [
        seen
        for group in range(GROUPS)
        for name in [properties[group % len(properties)]]
        for seen in _events(dice, days, name, shifts[name], group, is_steady=is_steady)
    ]
    edited_at = dice.choice([None, None, dice.randrange(begins, days)])
    unread_at = dice.choice([days, days, days, dice.randrange(begins, days - 1)])
    unread = range(unread_at, max(unread_at, dice.randrange(1, days - 1)) + 1)
    if unread.start < days:
        # nobody can tell what went before anybody could read it
        there = {table: ((spans[0][0], days),) for table, spans in there.items()}
    return Shards(seed, days, shape, tuple(events), there, edited_at, unread)


def _tables(dice: random.Random, days: int, begins: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The first and the last day are there at once and stay, so that the export has its edges."""
    for day in range(days):
        is_inside = 0 < day < days - 1
        late = dice.choice([0, 0, 1, 2, 3]) if is_inside else 0
        first = min(max(begins, day + late), days - 1)
        # two runs see it at least: the first does not read hours of a day that is not over
        goes = dice.random() < 0.4 and is_inside and first + 2 < days
        gone = dice.randint(first + 2, days - 1) if goes else days
        # who deleted it by mistake brings it back
        returns = goes and gone + 1 < days and dice.random() < 0.4
        back = [(dice.randint(gone + 1, days - 1), days)] if returns else []
        yield ((first, gone), *back)


def _events(
    dice: random.Random, days: int, property: str, shift: int, group: int, *, is_steady: bool
) -> Iterator[Seen]:
    """What a group of three clients does, two orders of whom may be one."""
    for place in range(dice.randint(14, 26)):
        number = group * 100 + place
        day, client = dice.randrange(days), dice.choice("aabbc")
        name = dice.choice(["purchase", "purchase", "page_view", "page_view", "refund"])
        event: dict[str, Any] = {
            "at": datetime.combine(date_of(day), time(dice.choice([1, 9, 22]), place, group), UTC),
            "name": name, "client": f"{client}{group}", "session": number, "key": number,
            "user": dice.choice([f"u{group}", None]) if client == "a" else None,
        }  # fmt: skip
        if name == "page_view":
            event["params"] = {"source": dice.choice(["news", "bing"]), "medium": "email"}
            event["gclid"] = dice.choice([None, f"G{number}"])
        else:
            event["order"] = f"T{group}{dice.randint(1, 5)}"
            event["currency"] = "USD"
            event["value" if name == "purchase" else "refund_value"] = dice.choice([5.0, 20.0])
        # GA4 writes a day again at any age: rows come and go
        late = dice.choice([0, 0, 0, 1, 2, 3])
        first = day if is_steady else min(day + late, days - 1)
        gone = dice.random() < 0.2 and first + 1 < days and not is_steady
        last = dice.randint(first + 1, days - 1) if gone else days
        middle = dice.randint(first + 1, last - 1) if last - first > 1 else last
        yield Seen((property, day), _row(event, number, shift), first, middle)
        # or a value is corrected, and the table has as many rows as before
        event = {**event, "value": 7.0} if event.get("value") and dice.random() < 0.5 else event
        yield Seen((property, day), _row(event, number, shift), middle, last)


def _row(event: dict[str, Any], number: int, shift: int) -> dict[str, Any]:
    row = export(event, number, "UTC")
    return {**row, "event_timestamp": row["event_timestamp"] + shift}


@cache
def columns() -> list[dict[str, Any]]:
    """Those of the export that a history fills; each other one may be missing in an export."""
    told = _row({"at": datetime.combine(START, time(), UTC), "name": ""}, 0, 0)
    return [
        {**column, "fields": [it for it in column["fields"] if it["name"] in told[column["name"]]]}
        if isinstance(told[column["name"]], dict)
        else column
        for column in ga4_schema()
        if column["name"] in told
    ]


@dataclass
class ExportPlay(Play):
    """One history of an export on its way through daily runs."""

    shards: Shards = field(default_factory=lambda: shards(0))
    written: dict[Table, Any] = field(default_factory=dict)
    is_edited: bool = False
    is_asked: bool = False

    def __post_init__(self) -> None:
        self.world = QuickWorld(connection=connection(), properties=self.shards.properties)
        self.dice = random.Random(f"{self.shards.seed}|play")
        self.faults = Faults(self.shards.seed, Odds(self.share_of_faults))
        self.define(self.shards.definitions)
        self.ids = [definition["id"] for definition in self.shards.definitions]
        self.day = 0

    def define(self, definitions: Iterable[dict[str, Any]]) -> None:
        """Somebody saves these definitions."""
        for definition in definitions:
            self.world.define(**definition)

    def feed(self, day: int) -> None:
        """The daily tables become what they are at the run of that day."""
        self.day = day
        there = (table for table in self.shards.there if table[1] <= day)
        self.write({table: self.shards.content(table, day) for table in there})
        self.world.quick.refused = "_scanned`" if day in self.shards.unread else ""

    def write(self, contents: dict[Table, list[dict[str, Any]] | None]) -> None:
        """Bring the tables to these contents; what is as it was stays untouched."""
        for table, rows in contents.items():
            if self.written.get(table) == rows:
                continue
            path = f"{self.world.dataset}_{table[0]}.events_{date_of(table[1]):%Y%m%d}"
            if rows is None:
                self.world.quick.drop(path)
            else:
                self.world.replace(path, columns(), rows)
            self.written[table] = rows

    def at(self, day: int) -> RunRequested:
        """The tick of the morning after that day."""
        self.world.now = datetime.combine(date_of(day), time(6), UTC) + timedelta(days=1)
        return RunRequested(trigger="schedule", request_id=f"{day}", force=True)

    def dies_at(self) -> int:
        """At any statement of a run or of a task; a run has about forty before its plan."""
        return self.dice.randint(1, 45)

    def daily(self) -> None:
        """All days in order; every message until it is carried out, through kills at any point."""
        for day in range(self.shards.days):
            self.feed(day)
            if len(self.ids) > 1 and self.dice.random() < 0.3:
                # somebody asks for one of them before the morning's run of all
                asked = {"request_id": f"{day}-one", "conversions": (self.dice.choice(self.ids),)}
                self.deliver([self.at(day).model_copy(update=asked)], last_day=True)
            if day == self.shards.edited_at and self.dice.random() < 0.3:
                self.edit(day)
            # what the last run was to do is done by no later one
            often = 0.3 if day == self.shards.days - 1 else 0.15
            request, is_forsaken = self.at(day), self.dice.random() < often
            self.deliver(self.forsaken(request) if is_forsaken else [request], last_day=True)
            if day == self.shards.edited_at:
                # where the edit came after the task of the old version, this is its first run
                self.edit(day)

    def edit(self, day: int) -> None:
        """Somebody changes a definition, and may ask for its newest days at once."""
        if self.is_asked:
            return
        self.is_asked = True
        if not self.is_edited:
            self.is_edited = True
            self.define(self.shards.edited[:1])
        # a table that is begun begins where one likes, and one that is there leaves no day behind
        is_late = self.dice.random() < 0.75 and self.exists(self.ids[0])
        days = {"start_date": date_of(day)} if is_late else {}
        asked = {"request_id": f"{day}-edited", "conversions": (self.ids[0],), **days}
        self.deliver([self.at(day).model_copy(update=asked)], last_day=True)

    def attempts(self, message: Message, *, last_day: bool) -> list[Message]:
        """As always; a definition may be saved anew while tasks of its old version wait."""
        waits = isinstance(message, MaterializeTask) and self.day == self.shards.edited_at
        if waits and not self.is_edited and self.dice.random() < 0.3:
            self.is_edited = True
            self.define(self.shards.edited[:1])
        return super().attempts(message, last_day=last_day)

    def forsaken(self, request: RunRequested) -> list[Message]:
        """The worker dies after its first entry, and the request comes no more: the watchdog asks.

        What is to be carried out next.
        """
        dies_at, after = self.dice.randint(FIRST_ENTRY, 45), self.dice.random() < 0.5
        try:
            return self.carried(request, self.design(self.world.quick, dies_at, after=after))
        except Crash:
            self.tally.kills += 1
        self.lapse()
        self.world.now += timedelta(hours=1)
        return self.carried(Watchdog(), self.design(self.world.quick))


FIRST_ENTRY = 12
"""By this statement of its own a run has written down that it was asked for."""


def play(shown: Shards, design: Design = Worker) -> ExportPlay:
    """The history before its first day, in an empty world."""
    return ExportPlay(History(shown.seed, "export", ()), design, shards=shown)


@lru_cache(maxsize=1)
def full(seed: int) -> dict[str, list[dict[str, Any]]]:
    """The rows of one run over all days, on what each table said last."""
    shown = shards(seed)
    made = play(shown)
    made.define(shown.edited)
    made.write({table: shown.final(table) for table in shown.there})
    made.world.handle(
        made.at(shown.days - 1).model_copy(update={"start_date": date_of(0) - timedelta(days=1)})
    )
    return made.tables()


@contextmanager
def forgets_what_a_dead_run_read() -> Iterator[None]:
    """A run that is asked again compares with what it has read itself before it died."""
    ours = stage.changed
    with patch.object(stage, "changed", lambda warehouse, last, run_id="": ours(warehouse, last)):
        yield


@contextmanager
def reads_the_last_days_alone() -> Iterator[None]:
    """Only the days that GA4 is known to write again are read again."""
    with patch.object(stage, "changed", lambda *_: stage.Changed()):
        yield


@contextmanager
def counts_rows_alone() -> Iterator[None]:
    """A table is what it was when it has as many rows."""
    ours = shards_of.changed_days

    def counted(versions: shards_of.Versions) -> shards_of.Versions:
        return {key: replace(it, changed_at=None) for key, it in versions.items()}

    with patch.object(
        shards_of, "changed_days", lambda now, then, at: ours(counted(now), counted(then), at)
    ):
        yield


@contextmanager
def counts_a_late_day_alone() -> Iterator[None]:
    """What a late day changes lies in its own window: refunds of older purchases are missed."""
    ours = plan.value_days
    with patch.object(plan, "value_days", lambda id, known: 0 * ours(id, known)):
        yield


@contextmanager
def follows_what_its_own_run_reads_alone() -> Iterator[None]:
    """A day that a run of another conversion has read anew counts as unchanged."""
    with patch.object(progress, "unfollowed", lambda *_: {}):
        yield


@contextmanager
def takes_a_day_for_its_own_table() -> Iterator[None]:
    """A day whose own daily table is there is taken for whole, though another held hours of it."""
    with patch.object(shards_of, "whole_days", lambda _, seen, *__: shards_of.existing(seen)):
        yield


@contextmanager
def never_counts_a_day_that_lands_late() -> Iterator[None]:
    """Only a table that was read before can have changed."""
    ours = shards_of.changed_days

    def known(
        now: shards_of.Versions, then: shards_of.Versions, at: dict[date, datetime]
    ) -> frozenset[date]:
        return ours({key: it for key, it in now.items() if key in then}, then, at)

    with patch.object(shards_of, "changed_days", known):
        yield


@contextmanager
def waits_for_a_table_that_never_was() -> Iterator[None]:
    """A day that GA4 wrote no table for is never whole, though one beside it tells its hours."""
    with patch.object(shards_of, "_told_beside", lambda *_: set()):
        yield


@contextmanager
def closes_the_days_of_a_held_stage() -> Iterator[None]:
    """What cannot be read holds nobody up: the conversions run on what the stage has."""
    with patch.object(run, "_without_readers", lambda *it: it[4]):
        yield


@contextmanager
def closes_days_that_were_read_from_nothing() -> Iterator[None]:
    """Days that no table tells of have no events."""
    ours = stage.exported
    with patch.object(
        stage, "exported", lambda warehouse, window, last: ours(warehouse, window, last) or window
    ):
        yield


@contextmanager
def writes_nothing_before_its_plan() -> Iterator[None]:
    """A run has its first entry when it is planned."""
    ours = Ledger.write

    def later(self: Ledger, run_id: str, status: RunStatus, **facts: Any) -> None:
        if status != RunStatus.REQUESTED:
            ours(self, run_id, status, **facts)

    with patch.object(Ledger, "write", later):
        yield


@contextmanager
def keeps_rows_of_an_old_version() -> Iterator[None]:
    """A version that has never run begins with the day that its first run is asked for."""
    with patch.object(plan, "_is_edited", lambda *_: False):
        yield


class ForgetsWhatIsGone(Rewording):
    """What came in a table that is deleted by now is taken out of the stage."""

    words: ClassVar = {"present.shard IN UNNEST(@existing)": "TRUE"}


class LendsNothingOfWhatIsGone(Rewording):
    """Visits of a table that is deleted by now lend their source to nobody."""

    words: ClassVar = {"gone.date)) NOT IN": "gone.date)) IN"}


class LendsToReadDaysAlone(Rewording):
    """A late day lends its source to no visit of a day that is not read with it."""

    words: ClassVar = {"AND taker.source_step IN ('earlier_visit', 'direct')": "AND FALSE"}


Wrong = tuple[Design, Callable[[], AbstractContextManager[None]]]
WRONG: dict[str, Wrong] = {
    **{it.__name__: (Worker, it) for it in (
        forgets_what_a_dead_run_read, reads_the_last_days_alone, counts_rows_alone,
        counts_a_late_day_alone, follows_what_its_own_run_reads_alone,
        takes_a_day_for_its_own_table, never_counts_a_day_that_lands_late,
        waits_for_a_table_that_never_was, closes_the_days_of_a_held_stage,
        closes_days_that_were_read_from_nothing, writes_nothing_before_its_plan,
        keeps_rows_of_an_old_version,
    )},
    **{it.__name__: (it, nullcontext) for it in (
        ForgetsWhatIsGone, LendsNothingOfWhatIsGone, LendsToReadDaysAlone,
    )},
}  # fmt: skip
"""Ways of reading an export that look right and are not."""


def caught(name: str, seeds: Iterable[int]) -> int | None:
    """The seed at which the wrong way is found out; None if it never is."""
    return next((seed for seed in seeds if tried(seed, name)), None)


def judge(
    seed: int,
    design: Design = Worker,
    patched: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> ExportPlay:
    """The history lived through; raises Violated when it ends elsewhere than one full run."""
    shown = shards(seed)
    lived = play(shown, design)
    with patched():
        lived.daily()
        found = lived.tables()
        if seed % 3 == 0:
            again = lived.at(shown.days - 1).model_copy(update={"request_id": "again"})
            lived.deliver([again], last_day=True)
    if lived.tables() != found:
        raise Violated(f"seed {seed}: a run on unchanged tables changed rows")
    wanted = full(seed)
    if found != wanted:
        raise Violated(f"seed {seed}: {'; '.join(_differences(found, wanted))}")
    if not any(wanted.values()):
        raise AssertionError(f"seed {seed}: nothing was counted, so nothing is judged")
    return lived


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> Iterator[str]:
    for id in wanted:
        for rows, others, side in ((found, wanted, "daily"), (wanted, found, "full")):
            ours = {row["id"]: row for row in rows.get(id, [])}
            theirs = {row["id"]: row for row in others.get(id, [])}
            for key, row in ours.items():
                other = theirs.get(key, {})
                told = {name: row[name] for name in row if row[name] != other.get(name)}
                if told:
                    yield f"{id} {key} {side} {told}"


def tried(seed: int, wrong: str = "") -> str:
    """What is wrong with the seed's history, lived in this wrong way; "" where nothing is."""
    design, patched = WRONG.get(wrong, (Worker, nullcontext))
    with redirect_stdout(io.StringIO()):
        try:
            judge(seed, design, patched)
        except Violated as violation:
            return str(violation)
    return ""


PASSED = Path(__file__).parents[2] / ".local" / "histories"
"""A file for each state of the code, of the seeds that it has passed."""


def passed() -> Path:
    """The file of the seeds that the code as it is has passed, one a line."""
    rooms = (
        Path(__file__).parents[2] / room for room in ("common", "functions", "tests/materialize")
    )
    files = sorted(it for room in rooms for it in room.rglob("*") if it.suffix in (".py", ".sql"))
    return PASSED / hashlib.sha256(b"".join(it.read_bytes() for it in files)).hexdigest()[:16]


def main() -> None:
    """Tries seeds in order and tells each violation; ends with code 1 after one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=2000, help="seeds from the first one on")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2, help="histories at a time")
    parser.add_argument("--minutes", type=float, default=1e9, help="when to break off")
    parser.add_argument("--wrong", choices=(*sorted(WRONG), "all"), help="only this, to be found")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.histories)
    until = clock.monotonic() + 60 * options.minutes
    with multiprocessing.Pool(options.processes) as pool:
        is_well = bool(options.wrong) or _all_pass(pool, seeds, until)
        names = sorted(WRONG) if options.wrong in (None, "all") else [options.wrong]
        lacking = _not_found(pool, names, seeds, until)
    sys.exit(not (is_well and not lacking))


def _all_pass(pool: Any, seeds: range, until: float) -> bool:
    """Whether no history ends wrong; tells how far it is and what is violated."""
    file = passed()
    file.parent.mkdir(parents=True, exist_ok=True)
    known = {int(line) for line in file.read_text().split()} if file.exists() else set()
    left = [seed for seed in seeds if seed not in known]
    print(f"{len(seeds) - len(left):,} of {len(seeds):,} histories passed before", flush=True)
    violations, started = 0, clock.monotonic()
    for number, (seed, wrong) in enumerate(zip(left, pool.imap(tried, left), strict=True), start=1):
        if wrong:
            violations += 1
            print(wrong, flush=True)
        else:
            with file.open("a") as out:
                out.write(f"{seed}\n")
        if number % 25 == 0:
            pace = number / (clock.monotonic() - started) * 60
            print(f"{number:,} of {len(left):,}, {pace:.0f} a minute", flush=True)
        if clock.monotonic() > until:
            print("time is up; the same command goes on here", flush=True)
            pool.terminate()
            break
    else:
        number = len(left)
    print(f"{number:,} histories, {violations} violations", flush=True)
    return not violations


def _not_found(pool: Any, names: Iterable[str], seeds: range, until: float) -> set[str]:
    """The wrong ways that no history finds out; says of each other one which does."""
    left = set(names)
    for seed in seeds:
        if not left or clock.monotonic() > until:
            break
        for name, wrong in _found_out(pool, seed, sorted(left)):
            left.discard(name)
            print(f"{name}: found by seed {seed}; {wrong[:120]}", flush=True)
    for name in sorted(left):
        print(f"{name}: not found", flush=True)
    return left


def _found_out(pool: Any, seed: int, names: list[str]) -> Iterator[tuple[str, str]]:
    """Those that the history finds out, with what is wrong in it."""
    for name, wrong in zip(names, pool.starmap(tried, [(seed, it) for it in names]), strict=True):
        if wrong:
            yield name, wrong


if __name__ == "__main__":
    main()
