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
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from common.local.limits.faults import Faults, Odds
from tests.materialize.histories import Design, History, Play, Violated, Worker
from tests.materialize.world import QuickWorld, export, ga4_schema
from tests.quick import database

START = date(2026, 11, 2)
DAYS = 9
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


def shards(seed: int, days: int = DAYS) -> Shards:
    """The history of a seed, so many days long."""
    dice = random.Random(f"{seed}|export")
    return Shards(seed, days, tuple(_events(dice, days)), tuple(_tables(dice, days)))


def _tables(dice: random.Random, days: int) -> Iterator[tuple[int, int]]:
    """The first and the last day are there at once and stay, so that the export has its edges."""
    for day in range(days):
        late = dice.choice([0, 0, 0, 1, 4, 7]) if 0 < day < days - 1 else 0
        first = min(day + late, days - 1)
        goes = dice.random() < 0.15 and 0 < day < days - 1 and first + 1 < days
        yield first, dice.randint(first + 1, days - 1) if goes else days


def _events(dice: random.Random, days: int) -> Iterator[Seen]:
    for number in range(dice.randint(14, 26)):
        day, client = dice.randrange(days), dice.choice("abc")
        name = dice.choice(["purchase", "purchase", "page_view", "refund"])
        event: dict[str, Any] = {
            "at": datetime(START.year, START.month, START.day, dice.choice([1, 9, 22]), tzinfo=UTC)
            + timedelta(days=day, minutes=number),
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
        first = min(day + dice.choice([0, 0, 0, 0, 2, 6]), days - 1)
        gone = dice.random() < 0.1 and first + 1 < days
        yield Seen(day, export(event, number, "UTC"), first,
                   dice.randint(first + 1, days - 1) if gone else days)  # fmt: skip


@cache
def _connection() -> Any:
    """One database for all histories of this process, with numbers spelled as the stage needs."""
    return database()


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
            path = f"{self.world.dataset}_ga4.events_{START + timedelta(days=number):%Y%m%d}"
            if rows is None:
                self.world.quick.drop(path)
            else:
                self.world.replace(path, ga4_schema(), rows)
            self.written[number] = rows

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
    made.world.handle(made.at(shown.days - 1).model_copy(update={"start_date": START}))
    return made.tables()


def judge(seed: int, design: Design = Worker, days: int = DAYS) -> ExportPlay:
    """The history lived through; raises Violated when it ends elsewhere than one full run."""
    shown = shards(seed, days)
    lived = play(shown, design)
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


def tried(seed: int) -> str:
    """What is wrong with the seed's history; "" where nothing is."""
    with redirect_stdout(io.StringIO()):
        try:
            judge(seed)
        except Violated as violation:
            return str(violation)
    return ""


def main() -> None:
    """Tries seeds in order and tells each violation; ends with code 1 after one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=0, help="where to go on")
    parser.add_argument("--processes", type=int, default=1, help="histories at a time")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.histories)
    violations = 0
    with multiprocessing.Pool(options.processes) as pool:
        for number, wrong in enumerate(pool.imap(tried, seeds), start=1):
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
