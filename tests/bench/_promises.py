"""Whether promised totals come true for the leads of the next 30 days, in worlds that move.

python -m tests.bench._promises [WORLD ...] [--seeds N] [--beside N]

Promised by what was known on the first of six months, by the linear half alone, which is quick: a
level moves sums, and both halves have the same. Beside it, on a part of the seeds, LightGBM of the
mature leads with the same correction, and money.
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from functions.score_leads.numeric import threads

threads.limit(os.environ)

import numpy as np  # noqa: E402

from functions.score_leads.data.attributes import profile  # noqa: E402
from functions.score_leads.data.features import Features, read  # noqa: E402
from functions.score_leads.data.outcomes import Outcomes  # noqa: E402
from functions.score_leads.data.values import Floats  # noqa: E402
from functions.score_leads.model import fitting, value  # noqa: E402
from functions.score_leads.model.fitting import Fitted  # noqa: E402
from functions.score_leads.model.level import Level, level  # noqa: E402
from functions.score_leads.numeric.log_odds import log_odds, probability  # noqa: E402
from functions.score_leads.operate.training_incidents import is_uncertain  # noqa: E402
from tests.score_leads.simulator import Sales, sales  # noqa: E402

SEEDS, BESIDE, FIRST_SEED = 7, 2, 3000
"""Seeds that no choice was made on."""

DAYS, WINDOW, TODAYS = 400, 60, (210.0, 240.0, 270.0, 300.0, 330.0, 360.0)

Kind = Literal["quiet", "one way", "turns"]


@dataclass(frozen=True)
class World:
    """How leads come and are won, and whether rates stay, keep one direction or turn."""

    options: dict[str, Any] = field(default_factory=dict)
    kind: Kind = "quiet"


WORLDS = {
    "nothing changes": World(),
    "60 leads a day": World({"per_day": 60}),
    "4 leads a day": World({"per_day": 4}),
    "300 leads": World({"per_day": 0.95}),
    "losses are noted late": World({"loses": True, "loss_days": 60}),
    "large deals take longer": World({"median_delay": 18, "slower": 0.3}),
    "long delays": World({"median_delay": 25}),
    "a new channel": World({"channel_starts": ("referral", 250.0)}),
    "falling": World({"rate": lambda day: -0.004 * np.maximum(day - 150, 0)}, "one way"),
    "falling, 60 a day": World(
        {"per_day": 60, "rate": lambda day: -0.004 * np.maximum(day - 150, 0)}, "one way"
    ),
    "falling from the start": World({"rate": lambda day: -0.003 * day}, "one way"),
    "rising": World({"rate": lambda day: 0.004 * np.maximum(day - 150, 0)}, "one way"),
    "rising slowly": World({"rate": lambda day: 0.0025 * day}, "one way"),
    "a step down": World({"rate": lambda day: np.where(day > 255, -0.6, 0.0)}, "turns"),
    "a step up": World({"rate": lambda day: np.where(day > 255, 0.5, 0.0)}, "turns"),
    "up, then down": World({"rate": lambda day: 0.004 * _tent(day)}, "turns"),
    "down, then up": World({"rate": lambda day: -0.004 * _tent(day)}, "turns"),
    "a season seen once": World(
        {"rate": lambda day: 0.5 * np.exp(-0.5 * ((day - 270) / 25) ** 2)}, "turns"
    ),
    "half-yearly seasons": World(
        {"rate": lambda day: 0.4 * np.sin(2 * np.pi * day / 180)}, "turns"
    ),
    "quarterly seasons": World(
        {"rate": lambda day: 0.35 * np.sin(2 * np.pi * day / 90)}, "turns"
    ),
    "four months' seasons": World(
        {"rate": lambda day: 0.35 * np.sin(2 * np.pi * day / 120 + 1)}, "turns"
    ),
    "two months' seasons": World(
        {"rate": lambda day: 0.35 * np.sin(2 * np.pi * day / 60)}, "turns"
    ),
    "rushes at quarters' ends": World(
        {"rate": lambda day: 0.6 * np.exp(-0.5 * (((day + 20) % 91.3 - 80) / 8) ** 2)}, "turns"
    ),
    "wanders": World({"rate": lambda day: _wander(day, 0.06, 1.0)}, "turns"),
    "wanders and comes back": World({"rate": lambda day: _wander(day, 0.12, 0.85)}, "turns"),
}  # fmt: skip
HEADER = (
    f"{'':26}{'wins, |ln| promised/true':>32}{'worst':>14}{'money, |ln|':>14}{'in 80 %':>9}"
    f"{'off 10 %':>10}{'':>8}{'log loss':>10}  corrected\n"
    f"{'':26}{'none':>8}{'ours':>8}{'LightGBM':>16}{'none':>7}{'ours':>7}{'none':>7}{'ours':>7}"
    f"{'':>9}{'unsaid':>10}{'said':>8}{'gained':>10}"
)


def _tent(day: Floats) -> Floats:
    """Up from day 100 to day 230, then down to day 360."""
    return np.where(day < 230, day - 100, 360 - day) * (day > 100)


def _wander(day: Floats, walk: float, kept: float) -> Floats:
    """Every week keeps a share of the level and adds to it by chance, another for each seed."""
    weekly = np.random.default_rng(len(day)).normal(0, walk, DAYS // 7 + 1)
    weekly[0] = 0
    level = list(itertools.accumulate(weekly, lambda so_far, more: kept * so_far + more))
    now: Floats = np.interp(day / 7, np.arange(len(level)), level)
    return now


@dataclass(frozen=True)
class Point:
    """One month of one department; logarithms of promised over true totals."""

    without: float
    """Wins without a correction."""
    ours: float
    peer: float
    """Wins by LightGBM with the same correction; NaN where it was not asked, as money is."""
    money_without: float
    money: float
    held: bool
    """Whether what came lay in the interval of 80 %."""
    said: bool
    """Whether a person is told that promises may not hold."""
    gain: float
    """Log loss without a correction minus with ours."""
    corrected: bool


@dataclass(frozen=True)
class Means:
    """Of the points of a world, or of worlds."""

    without: float
    ours: float
    held: float
    said: float


def lines(
    worlds: Iterable[str] = WORLDS, seeds: int = SEEDS, beside: int = BESIDE
) -> Iterator[str]:
    """One line a world, then the means over worlds of a kind and over all."""
    yield from HEADER.split("\n")
    found: dict[str, list[Means]] = {"quiet": [], "one way": [], "turns": [], "all worlds": []}
    for name in worlds:
        there = list(points(name, range(seeds), beside))
        found[WORLDS[name].kind].append(means(there))
        found["all worlds"].append(means(there))
        yield _line(name, there)
    for kind, of_kind in found.items():
        if of_kind:
            fields = ("without", "ours", "held", "said")
            mean = Means(*(_mean([getattr(each, name) for each in of_kind]) for name in fields))
            shown = f"in 80 % {mean.held:.2f}, said {mean.said:.2f}"
            yield f"{f'mean, {kind}':26}{mean.without:8.3f}{mean.ours:8.3f}  {shown}"


def means(there: Sequence[Point]) -> Means:
    """Of some points."""
    return Means(
        _mean(np.abs([point.without for point in there])),
        _mean(np.abs([point.ours for point in there])),
        _mean([point.held for point in there]),
        _mean([point.said for point in there]),
    )


def _mean(of: Sequence[float] | Floats) -> float:
    return float(np.mean(of))


def _line(name: str, there: Sequence[Point]) -> str:
    def every(field: str) -> Floats:
        found: Floats = np.abs([getattr(point, field) for point in there])
        return found

    mean = means(there)
    worst = [np.exp(every(field).max()) for field in ("without", "ours")]
    unsaid = _mean([abs(point.ours) > 0.1 and not point.said for point in there])
    asked = not np.isnan(every("peer")).all()
    beside = [np.nanmean(every(way)) if asked else np.nan for way in ("peer", "money_without",
                                                                      "money")]  # fmt: skip
    gained = _mean([point.gain for point in there])
    return (
        f"{name:26}{mean.without:8.3f}{mean.ours:8.3f}{beside[0]:16.3f}{worst[0]:7.2f}"
        f"{worst[1]:7.2f}{beside[1]:7.3f}{beside[2]:7.3f}{mean.held:9.2f}{unsaid:10.2f}"
        f"{mean.said:8.2f}{gained:10.4f}  {_mean([point.corrected for point in there]):.2f}"
    )


def points(world: str, seeds: Iterable[int], beside: int = 0) -> Iterator[Point]:
    """Every month of the departments, the first of them beside LightGBM and with money."""
    for seed in seeds:
        options = {"per_day": 15, "days": DAYS, "window": WINDOW, **WORLDS[world].options}
        drawn = sales(FIRST_SEED + seed, **options)
        with threads.alone():
            yield from [_point(drawn, today, seed < beside) for today in TODAYS]


def _point(drawn: Sales, today: float, beside: bool) -> Point:
    leads, known = drawn.known_on(today)
    attributes = [profile(name, cells, leads.placed) for name, cells in leads.columns.items()]
    features = read(attributes, leads.columns, leads.created, len(leads.placed))
    fitted, logits = fitting.fit_open(features, known, 0.0, 0, quick=True)
    rows = drawn.created_between(today, today + 30)
    coming = drawn.leads.take(rows)
    coming_features = read(attributes, coming.columns, coming.created, len(rows))
    new = fitted.logits(coming_features)
    mine = level(known, logits)
    chance, promised = drawn.chance[rows], float(probability(new + mine.overall).sum())
    low, high = mine.interval(promised)
    came = int((drawn.won_after[rows] <= WINDOW).sum())
    deals = _deals(fitted, features, known, logits, coming_features) if beside else np.nan
    worth = float((chance * drawn.worth[rows]).sum())
    return Point(
        without=_off(probability(new), chance),
        ours=_off(probability(new + mine.overall), chance),
        peer=_peer(features, coming_features, known, chance) if beside else np.nan,
        money_without=float(np.log((probability(new) * deals).sum() / worth)),
        money=float(np.log((probability(new + mine.overall) * deals).sum() / worth)),
        # whether any incident says that promised totals may not come true
        said=is_uncertain(mine) or bool(mine.missed or mine.astray),
        held=low * promised <= came <= high * promised,
        gain=_loss(new, chance) - _loss(new + mine.overall, chance),
        corrected=mine.overall != 0,
    )


def _off(promised: Floats, true: Floats) -> float:
    return float(np.log(promised.sum() / true.sum()))


def _deals(
    fitted: Fitted, features: Features, known: Outcomes, logits: Floats, coming: Features
) -> Floats:
    """Money of each coming lead if it is won."""
    money = value.Money(known.won_value, probability(logits), known.mature)
    model = value.fit(fitted.encoder, features, money, 0, quick=True)
    if model is None:
        return np.full(coming.count, np.nan)
    return model.values(fitted.encoder.encode(coming), coming)


def _peer(features: Features, coming: Features, known: Outcomes, chance: Floats) -> float:
    """LightGBM of the mature leads, moved by the level of what halves of them say of the others."""
    mature = np.flatnonzero(known.mature)
    odd = np.arange(features.count) % 2 == 1
    logits = np.empty(features.count)
    for half in (odd, ~odd):
        learn = mature[half[mature]]
        logits[~half] = _lightgbm(features, known, learn, features)[~half]
    mine: Level = level(known, logits)
    return _off(probability(_lightgbm(features, known, mature, coming) + mine.overall), chance)


def _lightgbm(features: Features, known: Outcomes, learn: np.ndarray, asked: Features) -> Floats:
    from tests.bench import _peers  # the peers' packages, which the suite does without

    frame = _peers.Frame.__new__(_peers.Frame)
    numbers = len(features.numbers)
    frame.categories = list(range(numbers, numbers + len(features.codes)))
    frame.older, frame.newer = _rows(features)[learn], _rows(asked)
    return log_odds(_peers.lightgbm(frame, known.won[learn].astype(float)))


def _rows(features: Features) -> Floats:
    numbers: list[Floats] = [*features.numbers.values()]
    codes: list[Floats] = [each.astype(float) for each in features.codes.values()]
    return np.column_stack(numbers + codes)


def _loss(logits: Floats, chance: Floats) -> float:
    """Expected log loss under the true chances."""
    shown = probability(logits)
    return float(-np.mean(chance * np.log(shown) + (1 - chance) * np.log(1 - shown)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench._promises", description=__doc__)
    parser.add_argument("worlds", nargs="*", metavar="WORLD", help=", ".join(WORLDS))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--beside", type=int, default=BESIDE, help="seeds beside LightGBM")
    asked = parser.parse_args()
    for line in lines(asked.worlds or WORLDS, asked.seeds, asked.beside):
        print(line, flush=True)


if __name__ == "__main__":
    main()
