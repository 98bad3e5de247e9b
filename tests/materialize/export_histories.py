"""Generated histories of a GA4 export: daily tables land late, change, go; runs are killed.

Whatever the tables do on the way, at any age, the daily runs must end in exactly the rows of one
run over what the tables said last. The stage, the look at the export and all statements are the
product's own; the raw tables are there. `make histories` tries 2,000 and then each wrong way of
`WRONG`, which must be found out; what this code has passed already is not tried again.
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
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from common.catalog import plan, progress
from common.ga4 import shards as shards_of
from common.ga4 import stage
from common.local.limits.faults import Faults, Odds
from common.messaging.messages import RunRequested
from tests.materialize.histories import (
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
DAYS = (3, 3, 4, 4, 5, len(OFFSETS))
"""How many of them a history has, by dice."""
SHIFTS = (0, 8 * 3_600_000_000, -9 * 3_600_000_000)
"""Microseconds that the days of a property begin later than the project's: a daily table may tell
hours of the day after it, or of the day before."""
PURCHASE: dict[str, Any] = {"id": "purchase", "event_type": "purchase", "refunds": {"days": 3}}
FIRST: dict[str, Any] = {"id": "first", "event_type": "purchase", "deduplicate_by_user": True}
SHAPES = ((PURCHASE,), (FIRST,), (PURCHASE, FIRST))


@dataclass(frozen=True)
class Seen:
    """An event that the export shows from the run of `first` to that before `last`."""

    day: int
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
    there: tuple[tuple[int, int], ...]

    def content(self, day: int, run: int) -> list[dict[str, Any]] | None:
        """The rows of the day's table as the run of that number finds it; None without a table."""
        first, last = self.there[day]
        if not first <= run < last:
            return None
        return [it.row for it in self.events if it.day == day and it.first <= run < it.last]

    def final(self, day: int) -> list[dict[str, Any]]:
        """What the day's table said last, be it gone by now."""
        return self.content(day, self.there[day][1] - 1) or []


def date_of(day: int) -> date:
    """The date of the history's day of that number."""
    return START + timedelta(days=OFFSETS[day])


def shards(seed: int) -> Shards:
    """The history of a seed."""
    dice = random.Random(f"{seed}|export")
    days, shape = dice.choice(DAYS), dice.choice(SHAPES)
    # days of a property that begin with the project's, later or earlier
    shift = dice.choice(SHIFTS)
    return Shards(seed, days, shape, tuple(_events(dice, days, shift)), tuple(_tables(dice, days)))


def _tables(dice: random.Random, days: int) -> Iterator[tuple[int, int]]:
    """The first and the last day are there at once and stay, so that the export has its edges."""
    for day in range(days):
        late = dice.choice([0, 0, 1, 2, 3]) if 0 < day < days - 1 else 0
        first = min(day + late, days - 1)
        # two runs see it at least: the first does not read hours of a day that is not over
        goes = dice.random() < 0.4 and 0 < day < days - 1 and first + 2 < days
        yield first, dice.randint(first + 2, days - 1) if goes else days


def _events(dice: random.Random, days: int, shift: int) -> Iterator[Seen]:
    for number in range(dice.randint(14, 26)):
        day, client = dice.randrange(days), dice.choice("aabbc")
        name = dice.choice(["purchase", "purchase", "page_view", "page_view", "refund"])
        event: dict[str, Any] = {
            "at": datetime.combine(date_of(day), time(dice.choice([1, 9, 22]), number), UTC),
            "name": name, "client": client, "session": number, "key": number,
            "user": dice.choice(["u", None]) if client == "a" else None,
        }  # fmt: skip
        if name == "page_view":
            event["params"] = {"source": dice.choice(["news", "bing"]), "medium": "email"}
            event["gclid"] = dice.choice([None, f"G{number}"])
        else:
            event["order"] = dice.choice(["T1", "T2", "T3", "T4", "T5"])
            event["currency"] = "USD"
            event["value" if name == "purchase" else "refund_value"] = dice.choice([5.0, 20.0])
        # GA4 writes a day again at any age: rows come and go
        first = min(day + dice.choice([0, 0, 0, 1, 2, 3]), days - 1)
        gone = dice.random() < 0.2 and first + 1 < days
        last = dice.randint(first + 1, days - 1) if gone else days
        middle = dice.randint(first + 1, last - 1) if last - first > 1 else last
        yield Seen(day, _row(event, number, shift), first, middle)
        # or a value is corrected, and the table has as many rows as before
        event = {**event, "value": 7.0} if event.get("value") and dice.random() < 0.5 else event
        yield Seen(day, _row(event, number, shift), middle, last)


def _row(event: dict[str, Any], number: int, shift: int) -> dict[str, Any]:
    row = export(event, number, "UTC")
    return {**row, "event_timestamp": row["event_timestamp"] + shift}


def _world() -> QuickWorld:
    return QuickWorld(connection=connection())


@dataclass
class ExportPlay(Play):
    """One history of an export on its way through daily runs."""

    shards: Shards = field(default_factory=lambda: shards(0))
    world: QuickWorld = field(default_factory=_world)
    written: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{self.shards.seed}|play")
        self.faults = Faults(self.shards.seed, Odds(self.share_of_faults))
        for definition in self.shards.definitions:
            self.world.define(**definition)
        self.ids = [definition["id"] for definition in self.shards.definitions]
        self.day = 0

    def feed(self, day: int) -> None:
        """The daily tables become what they are at the run of that day."""
        self.day = day
        self.write({number: self.shards.content(number, day) for number in range(day + 1)})

    def write(self, contents: dict[int, list[dict[str, Any]] | None]) -> None:
        """Bring the tables to these contents; what is as it was stays untouched."""
        for number, rows in contents.items():
            if self.written.get(number) == rows:
                continue
            path = f"{self.world.dataset}_ga4.events_{date_of(number):%Y%m%d}"
            if rows is None:
                self.world.quick.drop(path)
            else:
                self.world.replace(path, ga4_schema(), rows)
            self.written[number] = rows

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
            self.deliver([self.at(day)], last_day=True)


def play(shown: Shards, design: Design = Worker) -> ExportPlay:
    """The history before its first day, in an empty world."""
    return ExportPlay(History(shown.seed, "export", ()), design, shards=shown)


def full(shown: Shards) -> dict[str, list[dict[str, Any]]]:
    """The rows of one run over all days, on what each table said last."""
    made = play(shown)
    made.write({day: shown.final(day) for day in range(shown.days)})
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
        takes_a_day_for_its_own_table,
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
        again = lived.at(shown.days - 1).model_copy(update={"request_id": "again"})
        lived.deliver([again], last_day=True)
    if lived.tables() != found:
        raise Violated(f"seed {seed}: a run on unchanged tables changed rows")
    wanted = full(shown)
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
        found = [_told(pool, name, seeds) for name in names if clock.monotonic() < until]
    sys.exit(not (is_well and all(found)))


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


def _told(pool: Any, name: str, seeds: range) -> bool:
    """Whether the wrong way is found out; says at which seed."""
    for number, wrong in enumerate(pool.imap(partial(tried, wrong=name), seeds), start=1):
        if wrong:
            print(f"{name}: found after {number} histories; {wrong[:160]}", flush=True)
            return True
    print(f"{name}: not found in {len(seeds):,} histories", flush=True)
    return False


if __name__ == "__main__":
    main()
