"""Daily runs over generated GA4 events, beside one hand-written DuckDB pass over all of them.

python -m tests.bench.daily [--minutes N] [--file FILE]
python -m tests.bench.daily --one [--events N] [--conversions N] [--window DAYS] [--days N]
python -m tests.bench.daily --growth
python -m tests.bench.daily --parts [--events N] [--conversions N] [--window DAYS] [--days N]

The first prints the grid of `_grid.py`: what every point costs on paper at so many events a day,
and seconds of those that FILE holds, after measuring for N minutes those that it lacks. Measured is
the same number of events in all, over the days of the history: seconds show what more days cost,
bytes what more rows cost. `--one` measures one point and says where its seconds go. `--growth`
measures sites of as many events a day, which differ in the days of their history and of their
refunds alone. `--parts` says whose the processor is: DuckDB's, the emulator's or ours.

Both read the same tables of the same file. Ours plans, stages, deduplicates, writes and keeps
books through BigQuery's API; the pass only computes the same rows. Seconds of the processor are
those of the worker and of the engine together, as Linux counts them.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from google.cloud import bigquery

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog
from common.local.shop.site import bulk
from common.local.stack.bigquery import EmbeddedBigQuery, client, start_process
from common.messaging.messages import Message, RunRequested
from common.settings import Settings
from functions.materialize.ledger import Ledger
from functions.materialize.runs.run import handle
from functions.materialize.services import Services
from tests.bench import _grid, _parts, _passes
from tests.bench._site import Site
from tests.materialize.world import Recorder, ga4_schema

PROJECT = "bench-project"
END = date(2026, 10, 31)
"""The day after the last one of the export."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="of measuring, 0 prints only")
    parser.add_argument("--file", type=Path, default=Path(".local/bench/daily.jsonl"))
    parser.add_argument("--one", action="store_true", help="measure one point alone")
    parser.add_argument("--growth", action="store_true", help="measure history and window alone")
    parser.add_argument("--parts", action="store_true", help="whose the processor's time is")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--conversions", type=int, default=10)
    parser.add_argument("--window", type=int, default=30)
    parser.add_argument("--days", type=int, default=30)
    chosen = parser.parse_args()
    asked = Load(chosen.events, chosen.conversions, chosen.window, chosen.days)
    if chosen.one:
        show(asked)
        return
    if chosen.parts:
        _parts.show(lambda engine, folder: _prepared(engine, folder, asked), drain)
        return
    if chosen.growth:
        grow()
        return
    left = _grid.measure(chosen.file, 60 * chosen.minutes, _timed, _grid.now)
    for text in _grid.table(_grid.measured(chosen.file)):
        print(text)
    print(f"\n{left} of {len(_grid.sites())} points have no seconds yet; the same command goes on.")


def _timed(site: Site) -> _grid.Timed:
    asked = Load(site.events, site.conversions, site.window, site.history)
    print(f"measuring {asked}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), asked)
    calls = sum(calls for _, calls in found.later.values())
    first, again, by_hand = (it.processor for it in (found.first, found.again, found.by_hand))
    return _grid.Timed(
        site.events, site.conversions, site.window, site.months, first, again, by_hand, calls
    )


@dataclass(frozen=True)
class Load:
    """How much there is to do: events in all, conversions, days of refunds, days of export."""

    events: int
    conversions: int
    window: int
    days: int


GROWTH = (
    Load(100_000, 10, 30, 30), Load(300_000, 10, 30, 90), Load(600_000, 10, 30, 180),
    Load(300_000, 10, 5, 90), Load(300_000, 10, 90, 90),
)  # fmt: skip
"""Sites of 3,333 events a day: first the days of the history grow, then those of the refunds."""


@dataclass(frozen=True)
class Measured:
    """What a first run, a run again and the pass take, and where the runs' seconds go."""

    first: Seconds
    again: Seconds
    by_hand: Seconds
    whole: Seconds
    """The pass that makes visits and clicks as well."""
    where: Where
    later: Where
    rows: int
    known: bulk.Totals


def measured(folder: Path, asked: Load) -> Measured:
    """Measure both over tables that are written into the folder."""
    start = END - timedelta(days=asked.days)
    files, known = bulk.write(folder / "files", asked.events, start=start, days=asked.days)
    process = start_process(folder / "data")
    try:
        connected = client(process.host, PROJECT)
        load(connected, files)
        services = services_of(connected)
        for number in range(asked.conversions):
            define(services, number, asked.window)
        pid = process.process.pid
        first, where = spent(services, lambda: drain(services, "first"), pid)
        again, later = spent(services, lambda: drain(services, "again"), pid)
        rows = next(services.warehouse.rows(_count(services)))["rows_"]
    finally:
        process.stop()
    by_hand = timed(lambda: _passes.plain(folder / "data", asked.conversions))
    whole = timed(lambda: _passes.whole(folder / "data", asked.conversions))
    return Measured(first, again, by_hand, whole, where, later, rows, known)


def _prepared(engine: EmbeddedBigQuery, folder: Path, asked: Load) -> Services:
    start = END - timedelta(days=asked.days)
    files, _ = bulk.write(folder / "files", asked.events, start=start, days=asked.days)
    connected = engine.client(PROJECT)
    load(connected, files)
    services = services_of(connected)
    for number in range(asked.conversions):
        define(services, number, asked.window)
    return services


def show(asked: Load) -> None:
    """Print the seconds of both, their ratio, statements, and where ours go."""
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), asked)
    print(
        f"{found.known.events:,} events, {asked.days} days, {asked.conversions} conversions,",
        end=" ",
    )
    print(f"refunds of {asked.window} days")
    print(f"{found.rows:,} purchases by ours, {found.known.purchases:,} known\n")
    print(f"{'':<38}{'wall s':>9}{'ratio':>8}{'cpu s':>9}{'ratio':>8}{'to whole':>10}")
    for name, taken in (
        ("ours, first run of all days", found.first),
        ("ours, a run again, late days read anew", found.again),
        ("hand-written DuckDB pass", found.by_hand),
        ("the same with visits and clicks: whole", found.whole),
    ):
        of_whole = taken.processor / found.whole.processor
        print(f"{line(name, taken, found.by_hand)}{of_whole:>10.2f}")
    for name, spent_ in (("first", found.where), ("again", found.later)):
        many = sum(calls for _, calls in spent_.values())
        print(f"{name}: {many} calls of BigQuery, {many / asked.conversions:.1f} a conversion")
    print(f"\n{'where the first run goes':<38}{'wall s':>9}{'calls':>8}")
    for name, (seconds, calls) in sorted(found.where.items(), key=lambda it: -it[1][0])[:14]:
        print(f"{name:<38}{seconds:>9.2f}{calls:>8}")


def grow() -> None:
    """Print what the first run of all days and a run again take of the processor at each site."""
    lines = [f"{'events':>10}{'days':>6}{'window':>8}{'first s':>9}{'again s':>9}{'calls':>7}"]
    for asked in GROWTH:
        with tempfile.TemporaryDirectory() as folder:
            found = measured(Path(folder), asked)
        seconds = f"{found.first.processor:>9.1f}{found.again.processor:>9.1f}"
        calls = sum(calls for _, calls in found.later.values())
        lines.append(f"{asked.events:>10,}{asked.days:>6}{asked.window:>8}{seconds}{calls:>7}")
    # at the end: what the runs log stands between
    print("\n".join(lines))


@dataclass(frozen=True)
class Seconds:
    """How long something took: by the clock, and of the processor."""

    wall: float
    processor: float


def line(name: str, taken: Seconds, base: Seconds) -> str:
    wall, processor = taken.wall / base.wall, taken.processor / base.processor
    return f"{name:<38}{taken.wall:>9.2f}{wall:>8.2f}{taken.processor:>9.2f}{processor:>8.2f}"


Where = dict[str, tuple[float, int]]
"""Kind of a call of BigQuery → seconds by the clock and how many."""


class Watch:
    """What each verb of a warehouse takes, by the kind of what it is asked."""

    def __init__(self) -> None:
        self.seconds: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))

    def over(self, verb: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, watched."""

        def watched(*given: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*given, **named)
            finally:
                shown = kind(given[0]) if isinstance(given[0], Sql) else verb
                seconds, calls = self.seconds[shown]
                self.seconds[shown] = (seconds + time.perf_counter() - started, calls + 1)

        return watched


def kind(sql: Sql) -> str:
    """The first word of a statement and the first table that it names, without its numbers."""
    path = re.search(r"`[^`]+\.([^`]+)`", sql.text)
    table = re.sub(r"(purchase_)?\d+", "n", path[1]) if path else ""
    return f"{sql.text.split()[0]} {table}"


VERBS = ("rows", "execute", "append", "claim", "ensure_table", "schema_of", "tables_in")


def spent(
    services: Services, work: Callable[[], object], pid: int
) -> tuple[Seconds, dict[str, tuple[float, int]]]:
    """What the work takes here and in the process `pid`, and which of its statements take it."""
    watch = Watch()
    warehouse = services.warehouse
    for verb in VERBS:
        setattr(warehouse, verb, watch.over(verb, getattr(Warehouse, verb).__get__(warehouse)))
    before = _processor(pid)
    here = timed(work)
    return Seconds(here.wall, here.processor + _processor(pid) - before), watch.seconds


def _processor(pid: int) -> float:
    """Seconds of the processor that the process has had, by proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(connected: bigquery.Client, files: list[Path]) -> None:
    connected.create_dataset(f"{PROJECT}.analytics_1")
    fields = [bigquery.SchemaField.from_api_repr(column) for column in ga4_schema()]
    for file in files:
        path = f"{PROJECT}.analytics_1.{file.stem}"
        connected.create_table(bigquery.Table(path, schema=fields))
        config = bigquery.LoadJobConfig(source_format="PARQUET")
        with file.open("rb") as opened:
            size = file.stat().st_size
            connected.load_table_from_file(opened, path, size=size, job_config=config).result()


def services_of(connected: bigquery.Client) -> Services:
    settings = Settings(project=PROJECT, ga4_datasets=(f"{PROJECT}.analytics_1",))
    warehouse = Warehouse(connected, settings)
    warehouse.ensure_tables()
    now = datetime(END.year, END.month, END.day, 6, tzinfo=UTC)
    ledger = Ledger(warehouse, now)
    return Services(warehouse, warehouse, ledger, Catalog(warehouse), Recorder(), lambda: 0.0)


def define(services: Services, number: int, window: int) -> None:
    over = {"dimension": "transaction_total", "operator": "greater_than", "value": number * 5}
    definition: dict[str, Any] = {
        "kind": "simple",
        "id": f"purchase_{number}",
        "name": f"Purchase over {number * 5}",
        "event_type": "purchase",
        "filters": over if number else None,
        "refunds": {"days": window},
    }
    services.catalog.save(definition, now=services.ledger.now, author="bench")


def drain(services: Services, request_id: str) -> None:
    queue: list[Message] = [RunRequested(request_id=request_id)]
    bus = services.bus
    assert isinstance(bus, Recorder)
    while queue:
        message = queue.pop(0)
        if getattr(message, "kind", "") != "materialized":
            handle(services, message)
        queue += bus.queue
        bus.queue.clear()


def timed(work: Callable[[], object]) -> Seconds:
    started, processor = time.perf_counter(), time.process_time()
    work()
    return Seconds(time.perf_counter() - started, time.process_time() - processor)


def _count(services: Services) -> Any:
    path = services.warehouse.path("conversion_purchase_0")
    return Sql(f"SELECT COUNT(*) AS rows_ FROM `{path}` WHERE date > '2000-01-01'")


if __name__ == "__main__":
    main()
