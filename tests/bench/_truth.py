"""Whether promised totals come true, over departments whose true chances are known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from functions.score_leads.training import Wishes, train
from functions.score_leads.values import Floats
from tests.score_leads.simulator import Sales, sales

DEPARTMENTS, PER_DAY = 6, 40
TODAY, END = 220.0, 260


def lines() -> Iterator[str]:
    """Promised against true totals of the leads of the next 40 days: mean and standard error.

    The luck of the deals that a model learnt from is taken out: promises cannot know it.
    """
    found = []
    for seed in range(DEPARTMENTS):
        found.append(_ratios(sales(1000 + seed, days=END, per_day=PER_DAY, loses=True)))
    for name, ratios in zip(("wins", "money"), np.array(found).T, strict=True):
        error = ratios.std(ddof=1) / np.sqrt(len(ratios))
        yield f"{name:6} {ratios.mean():.3f} +- {error:.3f} of the truth"


def _ratios(drawn: Sales) -> tuple[float, float]:
    model = train(*drawn.known_on(TODAY), Wishes()).model
    coming = drawn.created_between(TODAY, END)
    leads = drawn.leads.take(coming)
    scores = model.score(model.read(leads.columns, leads.created, len(coming)))
    assert scores.expected_value is not None
    final = drawn.created_between(0, TODAY - drawn.window)
    won = drawn.won_after[final] <= drawn.window
    worth = drawn.chance * drawn.worth
    return (
        _ratio(scores.probability, drawn.chance[coming]) / _ratio(won, drawn.chance[final]),
        _ratio(scores.expected_value, worth[coming])
        / _ratio(drawn.value[final][won], worth[final]),
    )


def _ratio(promised: Floats, true: Floats) -> float:
    return float(promised.sum() / true.sum())
