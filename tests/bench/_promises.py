"""Whether promised totals come true for the leads of the next 30 days, in worlds that move.

python -m tests.bench._promises [WORLD ...] [--seeds N]

By the linear half alone, which is quick: a level moves sums, and both halves have the same.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from functions.score_leads.model import threads

threads.limit(os.environ)

import numpy as np  # noqa: E402

from functions.score_leads.data.attributes import profile  # noqa: E402
from functions.score_leads.data.features import read  # noqa: E402
from functions.score_leads.model import fitting  # noqa: E402
from functions.score_leads.model.encoding import probability  # noqa: E402
from functions.score_leads.model.level import level  # noqa: E402
from functions.score_leads.operate.training_incidents import UNSURE  # noqa: E402
from tests.score_leads.simulator import Sales, sales  # noqa: E402

SEEDS, FIRST_SEED = 7, 3000
"""Seeds that no choice was made on."""

DAYS, WINDOW, TODAYS = 390, 60, (270.0, 300.0, 330.0)


@dataclass(frozen=True)
class World:
    """How leads come and are won; `moves` says whether rates do."""

    options: dict[str, Any] = field(default_factory=dict)
    moves: bool = False


WORLDS = {
    "nothing changes": World(),
    "losses are noted": World({"loses": True}),
    "large deals take longer": World({"median_delay": 18, "slower": 0.3}),
    "300 leads": World({"per_day": 0.95}),
    "a new channel": World({"channel_starts": ("referral", 250.0)}),
    "falling": World({"rate": lambda day: -0.004 * np.maximum(day - 150, 0)}, True),
    "rising": World({"rate": lambda day: 0.004 * np.maximum(day - 150, 0)}, True),
    "a step": World({"rate": lambda day: np.where(day > 255, -0.6, 0.0)}, True),
    "seasons": World({"rate": lambda day: 0.4 * np.sin(2 * np.pi * day / 180)}, True),
    "up, then down": World(
        {"rate": lambda day: 0.004 * np.where(day < 230, day - 100, 360 - day) * (day > 100)}, True
    ),
    "a season seen once": World(
        {"rate": lambda day: 0.5 * np.exp(-0.5 * ((day - 270) / 25) ** 2)}, True
    ),
}
HEADER = (
    f"{'':26}{'none':>8}{'ours':>8}{'worst':>8}{'worst':>8}{'in 80 %':>9}{'off 10 %':>10}{'':>8}"
    f"{'log loss':>10}  choices\n"
    f"{'':26}{'|ln|':>8}{'|ln|':>8}{'none':>8}{'ours':>8}{'':>9}{'untold':>10}{'told':>8}"
    f"{'none-ours':>10}  none steady trend"
)


@dataclass(frozen=True)
class Point:
    """One month of one department."""

    without: float
    """Logarithm of promised over true wins without a correction."""
    ours: float
    held: bool
    """Whether what came lay in the interval of 80 %."""
    told: bool
    """Whether a person was told that promises stray here, or that the newest month was missed."""
    gain: float
    """Log loss without a correction minus with ours."""
    choice: str


def lines(worlds: Iterable[str] = WORLDS, seeds: int = SEEDS) -> Iterator[str]:
    """One line a world, then the means over all of them."""
    yield from HEADER.split("\n")
    means: dict[str, list[float]] = defaultdict(list)
    for name in worlds:
        points = [point for seed in range(seeds) for point in _points(name, FIRST_SEED + seed)]
        none, ours = (
            np.abs([getattr(point, way) for point in points]) for way in ("without", "ours")
        )
        means["none"].append(float(none.mean()))
        means["ours"].append(float(ours.mean()))
        chosen = [point.choice for point in points]
        counts = " ".join(str(chosen.count(each)) for each in ("none", "steady", "trend"))
        yield (
            f"{name:26}{none.mean():8.3f}{ours.mean():8.3f}{np.exp(none.max()):8.2f}"
            f"{np.exp(ours.max()):8.2f}{np.mean([point.held for point in points]):9.2f}"
            f"{np.mean([abs(point.ours) > 0.1 and not point.told for point in points]):10.2f}"
            f"{np.mean([point.told for point in points]):8.2f}"
            f"{np.mean([point.gain for point in points]):10.4f}  {counts}"
        )
    yield f"{'mean over worlds':26}{np.mean(means['none']):8.3f}{np.mean(means['ours']):8.3f}"


def _points(world: str, seed: int) -> Iterator[Point]:
    drawn = sales(seed, **{"per_day": 15, "days": DAYS, "window": WINDOW, **WORLDS[world].options})
    for today in TODAYS:
        yield _point(drawn, today)


def _point(drawn: Sales, today: float) -> Point:
    leads, known = drawn.known_on(today)
    attributes = [profile(name, cells, leads.placed) for name, cells in leads.columns.items()]
    features = read(attributes, leads.columns, leads.created, len(leads.placed))
    fitted, logits = fitting.fit_open(features, known, 0.0, 0, quick=True)
    rows = drawn.created_between(today, today + 30)
    coming = drawn.leads.take(rows)
    new = fitted.logits(read(attributes, coming.columns, coming.created, len(rows)))
    mine = level(known, logits)
    chance, promised = drawn.chance[rows], float(probability(new + mine.overall).sum())
    low, high = mine.interval(promised)
    came = int((drawn.won_after[rows] <= WINDOW).sum())
    return Point(
        without=float(np.log(probability(new).sum() / chance.sum())),
        ours=float(np.log(promised / chance.sum())),
        told=mine.spread > UNSURE or bool(mine.missed or mine.astray),
        held=low * promised <= came <= high * promised,
        gain=_loss(new, chance) - _loss(new + mine.overall, chance),
        choice=mine.choice,
    )


def _loss(logits: np.ndarray, chance: np.ndarray) -> float:
    """Expected log loss under the true chances."""
    shown = probability(logits)
    return float(-np.mean(chance * np.log(shown) + (1 - chance) * np.log(1 - shown)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench._promises", description=__doc__)
    parser.add_argument("worlds", nargs="*", metavar="WORLD", help=", ".join(WORLDS))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    asked = parser.parse_args()
    for line in lines(asked.worlds or WORLDS, asked.seeds):
        print(line, flush=True)


if __name__ == "__main__":
    main()
