"""Generated histories of a GA4 export: daily tables land late, change, go; runs are killed.

Whatever the tables do on the way, at any age, the daily runs must end in exactly the rows of one
run over what the tables said last. The stage, the look at the export and all statements are the
product's own; the raw tables are there. `python -m tests.materialize.export_histories --histories
2000` tries as many as one likes.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from typing import Any, ClassVar
from unittest.mock import patch

from common.catalog import plan
from common.ga4 import shards as shards_of
from common.ga4 import stage
from common.local.limits.faults import Faults, Odds
from common.messaging.messages import RunRequested
from tests.materialize.histories import Design, History, Play, Rewording, Violated, Worker
from tests.materialize.world import QuickWorld, export, ga4_schema
from tests.quick import database

START = date(2026, 11, 2)
OFFSETS = (0, 1, 7, 8, 15, 22)
"""The days of the export, from the first on. Between them nobody runs for longer than GA4 is known
to write a day again, so that a day that changes is out of every run's own reach."""
DAYS = len(OFFSETS)
SHIFTS = (0, 8 * 3_600_000_000, -9 * 3_600_000_000)
"""Microseconds that the days of a property begin later than the project's: a daily table may tell
hours of the day after it, or of the day before."""
DEFINITIONS: list[dict[str, Any]] = [
    {"id": "purchase", "event_type": "purchase", "refunds": {"days": 3}},
    {"id": "first", "event_type": "purchase", "deduplicate_by_user": True},
]


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


def shards(seed: int, days: int = DAYS) -> Shards:
    """The history of a seed, so many days long."""
    dice = random.Random(f"{seed}|export")
    # days of a property that begin with the project's, later or earlier
    shift = random.Random(f"{seed}|zone").choice(SHIFTS)
    return Shards(seed, days, tuple(_events(dice, days, shift)), tuple(_tables(dice, days)))


def _tables(dice: random.Random, days: int) -> Iterator[tuple[int, int]]:
    """The first and the last day are there at once and stay, so that the export has its edges."""
    for day in range(days):
        late = dice.choice([0, 0, 1, 2, 3]) if 0 < day < days - 1 else 0
        first = min(day + late, days - 1)
        goes = dice.random() < 0.25 and 0 < day < days - 1 and first + 1 < days
        yield first, dice.randint(first + 1, days - 1) if goes else days


def _events(dice: random.Random, days: int, shift: int) -> Iterator[Seen]:
    for number in range(dice.randint(14, 26)):
        day, client = dice.randrange(days), dice.choice("abc")
        name = dice.choice(["purchase", "purchase", "page_view", "refund"])
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
        gone = dice.random() < 0.15 and first + 1 < days
        row = export(event, number, "UTC")
        row["event_timestamp"] += shift
        yield Seen(day, row, first,
                   dice.randint(first + 1, days - 1) if gone else days)  # fmt: skip


@cache
def _connection() -> Any:
    """One database for all histories of this process, with numbers spelled as the stage needs."""
    made = database()
    # a plan that is run once over twenty rows costs more to better than it saves
    made.execute("PRAGMA disable_optimizer")
    return made


def _world() -> QuickWorld:
    return QuickWorld(connection=_connection())


@dataclass
class ExportPlay(Play):
    """One history of an export on its way through daily runs."""

    shards: Shards = field(default_factory=lambda: shards(0))
    world: QuickWorld = field(default_factory=_world)
    written: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{self.shards.seed}|play")
        self.faults = Faults(self.shards.seed, Odds(self.share_of_faults))
        for definition in DEFINITIONS:
            self.world.define(**definition)
        self.ids = [definition["id"] for definition in DEFINITIONS]
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


class ForgetsWhatIsGone(Rewording):
    """What came in a table that is deleted by now is taken out of the stage."""

    words: ClassVar = {"present.shard IN UNNEST(@existing)": "TRUE"}


class LendsNothingOfWhatIsGone(Rewording):
    """Visits of a table that is deleted by now lend their source to nobody."""

    words: ClassVar = {"NOT IN UNNEST(@existing)": "NOT IN UNNEST(@existing) AND FALSE"}


class LendsToReadDaysAlone(Rewording):
    """A late day lends its source to no visit of a day that is not read with it."""

    words: ClassVar = {"AND taker.source_step IN ('earlier_visit', 'direct')": "AND FALSE"}


Wrong = tuple[Design, Callable[[], AbstractContextManager[None]]]
WRONG: dict[str, Wrong] = {
    **{it.__name__: (Worker, it) for it in (
        forgets_what_a_dead_run_read, reads_the_last_days_alone, counts_rows_alone,
        counts_a_late_day_alone,
    )},
    **{it.__name__: (it, nullcontext) for it in (
        ForgetsWhatIsGone, LendsNothingOfWhatIsGone, LendsToReadDaysAlone,
    )},
}  # fmt: skip
"""Ways of reading an export that look right and are not."""


def caught(name: str, seeds: Iterable[int], days: int = DAYS) -> int | None:
    """The seed at which the wrong way is found out; None if it never is."""
    design, patched = WRONG[name]
    for seed in seeds:
        try:
            judge(seed, design, days, patched)
        except Violated:
            return seed
    return None


def judge(
    seed: int,
    design: Design = Worker,
    days: int = DAYS,
    patched: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> ExportPlay:
    """The history lived through; raises Violated when it ends elsewhere than one full run."""
    shown = shards(seed, days)
    lived = play(shown, design)
    with patched():
        lived.daily()
        found = lived.tables()
        again = lived.at(days - 1).model_copy(update={"request_id": "again"})
        lived.deliver([again], last_day=True)
    if lived.tables() != found:
        raise Violated(f"seed {seed}: a run on unchanged tables changed rows")
    wanted = full(shown)
    if not any(wanted.values()):
        raise AssertionError(f"seed {seed}: nothing was counted, so nothing is judged")
    if found != wanted:
        raise Violated(f"seed {seed}: {'; '.join(_differences(found, wanted))}")
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
            judge(seed, design, patched=patched)
        except Violated as violation:
            return str(violation)
    return ""


def main() -> None:
    """Tries seeds in order and tells each violation; ends with code 1 after one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=0, help="where to go on")
    parser.add_argument("--processes", type=int, default=1, help="histories at a time")
    parser.add_argument("--wrong", choices=sorted(WRONG), default="", help="which must be found")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.histories)
    violations = 0
    judged = partial(tried, wrong=options.wrong)
    with multiprocessing.Pool(options.processes) as pool:
        for number, wrong in enumerate(pool.imap(judged, seeds), start=1):
            violations += bool(wrong)
            if wrong:
                print(wrong, flush=True)
            if number % 10 == 0:
                print(
                    f"{number:,} of {len(seeds):,} histories, {violations} violations", flush=True
                )
    print(f"{len(seeds):,} histories, {violations} violations")
    sys.exit(violations > 0)


if __name__ == "__main__":
    main()
