"""The grid of daily runs: what each costs on paper, and how long those took that were measured.

A measurement is one line of a file, so that the grid is measured in pieces: what is in the file is
not measured again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from common.cost.estimate import Cost
from tests.bench._site import Site
from tests.bench.cost import PRICE, all_of, raw_of, run

EVENTS = (1_000_000, 5_000_000)
CONVERSIONS = (10, 30, 100)
WINDOWS = (5, 30, 90)
MONTHS = (1, 12, 36)


@dataclass(frozen=True)
class Timed:
    """Seconds of the processor, here and in the engine, of a point of the grid."""

    events: int
    """On paper a day; measured in all, over the days of the history."""
    conversions: int
    window: int
    months: int
    first: float
    """Of the run that counts all days."""
    again: float
    """Of a run again, which reads the late days anew."""
    by_hand: float
    """Of one hand-written pass over all events."""
    calls: int
    """Calls of BigQuery in the run again."""

    @property
    def site(self) -> Site:
        """The point of the grid."""
        return Site(self.events, self.conversions, self.window, self.months)


def sites() -> list[Site]:
    """All points, the least work first."""
    points = (Site(*each) for each in product(EVENTS, CONVERSIONS, WINDOWS, MONTHS))
    return sorted(points, key=lambda it: (it.events * it.conversions, it.months, it.window))


def measured(file: Path) -> dict[Site, Timed]:
    """What the file holds; of a point that was measured twice the last one."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = (Timed(**json.loads(line)) for line in lines if line.strip())
    return {it.site: it for it in found}


def measure(
    file: Path, seconds: float, take: Callable[[Site], Timed], clock: Callable[[], float]
) -> int:
    """Measure points that the file lacks until so many seconds are over; how many are left."""
    waiting = [site for site in sites() if site not in measured(file)]
    file.parent.mkdir(parents=True, exist_ok=True)
    until = clock() + seconds
    while waiting and clock() < until:
        done = take(waiting.pop(0))
        with file.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(asdict(done)) + "\n")
    return len(waiting)


def table(found: dict[Site, Timed], chosen: Iterable[Site] | None = None) -> Iterator[str]:
    """The lines of the table: paper of every point, seconds of those that were measured."""
    yield (
        f"{'events':>10}{'conv.':>7}{'window':>8}{'months':>8}{'statements':>12}{'GB a day':>10}"
        f"{'x raw':>7}{'USD a month':>13}{'first s':>10}{'again s':>9}{'x hand':>8}{'calls':>7}"
    )
    for site in chosen or sites():
        paper = run(site)
        line = all_of(paper)
        yield (
            f"{site.events:>10,}{site.conversions:>7}{site.window:>8}{site.months:>8}"
            f"{line.statements:>12}{line.bytes / 1e9:>10.2f}{line.bytes / raw_of(paper):>7.2f}"
            f"{Cost(line.bytes, PRICE).usd_a_month:>13.2f}{_seconds(found.get(site))}"
        )


def _seconds(timed: Timed | None) -> str:
    if timed is None:
        return f"{'-':>10}{'-':>9}{'-':>8}{'-':>7}"
    ratio = timed.again / timed.by_hand if timed.by_hand else 0.0
    return f"{timed.first:>10.1f}{timed.again:>9.1f}{ratio:>8.1f}{timed.calls:>7}"


def now() -> float:
    """Seconds that only grow."""
    return time.monotonic()
