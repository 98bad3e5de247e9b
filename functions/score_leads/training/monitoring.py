"""Whether a model still sees the leads it was made for, and whether its sums come true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from functions.score_leads.data import behaviour
from functions.score_leads.data.attributes import ABSENT, RARE, Codes
from functions.score_leads.data.features import PART, Features
from functions.score_leads.data.outcomes import Flags
from functions.score_leads.data.values import Floats
from functions.score_leads.numeric.log_odds import log_odds

LEAST_LEADS = 300
"""Below this many leads the index wanders past its bands by chance alone."""

# the usual band of the index; scores of three sets of real leads moved by .013, .037 and .24
STABILITY_LIMIT = 0.25
UNSEEN_LIMIT = 0.20
# a form that loses a third of five columns costs .05 of log loss and 7 % of the total
FILL_LIMIT = 0.10
FLIP_LIMIT = 0.05
LEVELS, BINS = 20, 10
CONFIDENCE_95 = 1.96


@dataclass(frozen=True)
class Shape:
    """How one feature was spread over the training leads; shares by bin, the missing ones first."""

    edges: tuple[float, ...] | None
    """Number: inner bounds of the bins. None for a category."""
    kept: tuple[int, ...]
    """Category: the codes told apart; all others share one bin."""
    shares: tuple[float, ...]
    unseen: float


@dataclass(frozen=True)
class Drift:
    """How an attribute has moved between training and now."""

    attribute: str
    stability_index: float
    fill_change: float
    unseen_share: float

    @property
    def is_of_site(self) -> bool:
        """Whether it comes from the lead's visits and not from the CRM."""
        return self.attribute.startswith(behaviour.PREFIX)

    @property
    def complaint(self) -> str:
        """What is out of its band; empty when nothing is."""
        # where the export began later than the leads, each model knows the visits of more of them
        if self.is_of_site and self.fill_change > FILL_LIMIT:
            return ""
        if abs(self.fill_change) > FILL_LIMIT:
            return f"{self.fill_change:+.0%} of leads have it, compared with training"
        if self.unseen_share > UNSEEN_LIMIT:
            return f"{self.unseen_share:.0%} of leads have a value that training never saw"
        if self.stability_index > STABILITY_LIMIT:
            return f"its values are spread differently (index {self.stability_index:.2f})"
        return ""


def shapes(features: Features) -> dict[str, Shape]:
    """The shape of every feature but those of the calendar, which move by themselves."""
    of_numbers = {name: _number_shape(values) for name, values in features.numbers.items()}
    of_codes = {name: _code_shape(codes) for name, codes in features.codes.items()}
    # the index of a month is 5.6 without anything being wrong
    return {name: shape for name, shape in (of_numbers | of_codes).items() if PART not in name}


def drift(trained: Mapping[str, Shape], features: Features) -> list[Drift]:
    """Every attribute's drift; empty while there are too few leads to tell."""
    if features.count < LEAST_LEADS:
        return []
    found = []
    for name, shape in trained.items():
        values = features.numbers.get(name, features.codes.get(name))
        if values is None:
            continue
        now = _shares(values, shape)
        found.append(
            Drift(
                name,
                stability_index(np.array(shape.shares), now),
                float(shape.shares[0] - now[0]),
                0.0 if shape.edges is not None else float(np.mean(values == RARE)) - shape.unseen,
            )
        )
    return sorted(found, key=lambda each: -each.stability_index)


def stability_index(before: Floats, now: Floats) -> float:
    """Population stability index: sum of (now - before) x ln(now / before), shares from 0.0001."""
    a, b = np.clip(before, 1e-4, None), np.clip(now, 1e-4, None)
    return float(np.sum((b - a) * np.log(b / a)))


def _number_shape(values: Floats) -> Shape:
    there = values[~np.isnan(values)]
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    edges = (
        tuple(float(edge) for edge in np.unique(np.quantile(there, inner))) if len(there) else ()
    )
    shape = Shape(edges, (), (), 0.0)
    return Shape(edges, (), tuple(map(float, _shares(values, shape))), 0.0)


def _code_shape(codes: Codes) -> Shape:
    counts = np.bincount(codes, minlength=ABSENT + 1)
    frequent = [code for code in np.argsort(-counts, kind="stable") if code > ABSENT]
    shape = Shape(None, tuple(int(code) for code in frequent[:LEVELS]), (), 0.0)
    shares = tuple(map(float, _shares(codes, shape)))
    return Shape(None, shape.kept, shares, float(counts[RARE] / max(len(codes), 1)))


def _shares(values: Floats | Codes, shape: Shape) -> Floats:
    """Shares of missing values, then of each bin."""
    if shape.edges is not None:
        numbers = np.asarray(values, dtype=np.float64)
        bins = np.searchsorted(np.array(shape.edges), numbers, side="right") + 1
        bins = np.where(np.isnan(numbers), 0, bins)
        size = len(shape.edges) + 2
    else:
        place = {code: number for number, code in enumerate(shape.kept, start=2)} | {ABSENT: 0}
        codes, inverse = np.unique(values, return_inverse=True)
        bins = np.array([place.get(int(code), 1) for code in codes], dtype=int)[inverse]
        size = len(shape.kept) + 2
    shares: Floats = np.bincount(bins, minlength=size) / max(len(values), 1)
    return shares


@dataclass(frozen=True)
class Stability:
    """How one run moved the leads that were scored before."""

    leads: int
    became_qualified: int
    lost_qualification: int
    mean_move: float
    """Mean absolute change of the log-odds."""

    @property
    def flipped(self) -> float:
        """Share of leads whose qualification changed."""
        return (self.became_qualified + self.lost_qualification) / max(self.leads, 1)


def stability(before: Floats, now: Floats, qualified_before: Flags, qualified: Flags) -> Stability:
    """The moves of leads with a probability before; NaN where there was none."""
    known = ~np.isnan(before)
    moved = np.abs(log_odds(now[known]) - log_odds(before[known]))
    return Stability(
        leads=int(known.sum()),
        became_qualified=int((qualified & ~qualified_before)[known].sum()),
        lost_qualification=int((~qualified & qualified_before)[known].sum()),
        mean_move=float(moved.mean()) if len(moved) else 0.0,
    )


def total(parts: list[Stability]) -> Stability:
    """The moves of all batches together."""
    leads = sum(part.leads for part in parts)
    return Stability(
        leads,
        sum(part.became_qualified for part in parts),
        sum(part.lost_qualification for part in parts),
        sum(part.mean_move * part.leads for part in parts) / max(leads, 1),
    )


@dataclass(frozen=True)
class Cohort:
    """Leads of one month, old enough that nothing changes any more."""

    month: str
    leads: int
    predicted_wins: float
    predicted_wins_variance: float
    """Sum of p(1-p): how far actual wins may stray by chance."""
    actual_wins: float
    predicted_value: float | None
    actual_value: float | None
    actual_value_squares: float | None
    """Sum of squared deal values, for the margin of the money."""

    @property
    def wins_margin(self) -> float:
        """Half of the 95 % interval of the actual wins, had the predictions been right."""
        return CONFIDENCE_95 * float(np.sqrt(self.predicted_wins_variance))

    @property
    def value_margin(self) -> float | None:
        """Half of the 95 % interval of the actual money; large deals make it wide."""
        if self.actual_value_squares is None:
            return None
        return CONFIDENCE_95 * float(np.sqrt(self.actual_value_squares))

    @property
    def complaint(self) -> str:
        """What did not come true beyond chance; empty when all did."""
        gap = self.actual_wins - self.predicted_wins
        if abs(gap) > self.wins_margin and abs(gap) > 0.1 * self.predicted_wins:
            return (
                f"{self.predicted_wins:.0f} wins were predicted of the leads of {self.month} and "
                f"{self.actual_wins:.0f} came, outside +-{self.wins_margin:.0f}"
            )
        if self.predicted_value is None or self.actual_value is None or self.value_margin is None:
            return ""
        money = self.actual_value - self.predicted_value
        if abs(money) > self.value_margin and abs(money) > 0.1 * self.predicted_value:
            return (
                f"{self.predicted_value:,.0f} was predicted of the leads of {self.month} and "
                f"{self.actual_value:,.0f} came, outside +-{self.value_margin:,.0f}"
            )
        return ""
