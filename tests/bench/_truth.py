"""Whether promised totals come true, in worlds whose true chances are known.

python -m tests.bench._truth [WORLD ...] [--departments N]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from functions.score_leads.data.values import Floats
from functions.score_leads.training.training import Wishes, train
from tests.score_leads.simulator import Sales, sales

DEPARTMENTS, PER_DAY = 20, 20
TODAY, END = 220.0, 260


@dataclass(frozen=True)
class World:
    """How leads come and are won; see `simulator.sales`."""

    options: dict[str, Any] = field(default_factory=dict)
    silent: float = 0
    """Days up to today of which no win is known."""


WORLDS = {
    "nothing changes": World(),
    "more leads by the month": World({"volume": lambda day: np.exp(day / 150)}),
    "deals take long": World({"median_delay": 25, "window": 60}),
    "large deals take longer": World({"median_delay": 12, "slower": 0.3}),
    "seasons": World({"rate": lambda day: 0.35 * np.sin(2 * np.pi * day / 120)}),
    "wins become rarer": World({"rate": lambda day: -0.002 * (day - TODAY)}),
    "rarer since 45 days": World({"rate": lambda day: np.where(day > TODAY - 45, -0.5, 0.0)}),
    "no win is known of a month": World(silent=30),
}


def lines(worlds: Iterable[str] = WORLDS, departments: int = DEPARTMENTS) -> Iterator[str]:
    """Promised against true totals of the leads of the next 40 days: mean and standard error.

    Luck is taken out: a model cannot know that the deals which it learnt from were lucky ones.
    """
    for name in worlds:
        found = np.array([_ratios(name, 1000 + seed) for seed in range(departments)])
        wins, money = map(mean, found.T)
        yield f"{name:28} wins {wins}, money {money} of the truth"


def mean(ratios: Floats) -> str:
    """Mean and standard error."""
    return f"{ratios.mean():.3f} +- {ratios.std(ddof=1) / np.sqrt(len(ratios)):.3f}"


def _ratios(world: str, seed: int) -> tuple[float, float]:
    drawn = sales(seed, days=END, per_day=PER_DAY, loses=True, **WORLDS[world].options)
    model = train(*drawn.known_on(TODAY, WORLDS[world].silent), Wishes()).model
    coming = drawn.created_between(TODAY, END)
    leads = drawn.leads.take(coming)
    scores = model.score(model.read(leads.columns, leads.created, len(coming)))
    assert scores.expected_value is not None
    wins, money = _luck(drawn)
    return (
        _ratio(scores.probability, drawn.chance[coming]) / wins,
        _ratio(scores.expected_value, (drawn.chance * drawn.worth)[coming]) / money,
    )


def _luck(drawn: Sales) -> tuple[float, float]:
    """What a model would promise, relative to the truth, that errs by its leads' luck alone."""
    final = drawn.created_between(0, TODAY - drawn.window)
    won = final[drawn.won_after[final] <= drawn.window]
    wins = len(won) / float(drawn.chance[final].sum())
    money = _ratio(drawn.value[won], (drawn.chance * drawn.worth)[final])
    return wins, money


def _ratio(promised: Floats, true: Floats) -> float:
    return float(promised.sum() / true.sum())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench._truth", description=__doc__)
    parser.add_argument("worlds", nargs="*", metavar="WORLD", help=", ".join(WORLDS))
    parser.add_argument("--departments", type=int, default=DEPARTMENTS)
    asked = parser.parse_args()
    for line in lines(asked.worlds or WORLDS, asked.departments):
        print(line, flush=True)


if __name__ == "__main__":
    main()
