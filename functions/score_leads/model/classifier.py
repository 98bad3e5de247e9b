"""The probability of winning a lead: a linear half and a boosted half, blended in log-odds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from functions.score_leads.data.values import Floats
from functions.score_leads.model.encoding import Encoded, Encoder
from functions.score_leads.model.forest import Forest

LINEAR_ROWS = 200_000
"""Of more leads, the linear half learns from a seeded sample: from 200,000 to 300,000 leads the log
loss of the blend falls by 0.0004 (tests/bench/_sampling.py)."""

LEAST_C, MOST_C, FEW_WINS = 0.12, 0.6, 400.0
"""Variance of the linear half's coefficients before it has seen a lead: the least up to FEW_WINS
leads of the rarer outcome, then in proportion to them.

With .3 for all, subsets of bank and shoppers with 20 wins lose .004 to .008 of log loss, with 60
wins .005 to .007, with 150 .003, and simulated departments with 65 wins .001; sets with thousands
lose up to .002 forward in time and nothing else.
"""

SHAPES = (
    {"max_leaf_nodes": 31, "learning_rate": 0.05, "min_samples_leaf": 20},
    {"max_leaf_nodes": 6, "learning_rate": 0.08, "min_samples_leaf": 30},
)
"""Bushy trees find what works together, small ones keep a calm mind on few leads."""

ROUNDS = 150


@dataclass(frozen=True)
class Classifier:
    """Fitted halves; `boosted_weight` is the boosted half's share of the log-odds, 0 to 1."""

    linear: LogisticRegression
    boosted: tuple[Forest, ...]
    boosted_weight: float
    offset: float = 0.0
    """Log-odds that everybody gets on top, so that the sum is right."""
    own_past: float = 0.0
    """Share of the log-odds that a customer's own past orders say."""

    def logits(self, leads: Encoded) -> Floats:
        """Log-odds of each lead: those learnt, and a share by the lead's own past orders."""
        learnt = self.learnt(leads)
        if leads.rhythm is None:
            return learnt
        mixed: Floats = (1 - self.own_past) * learnt + self.own_past * leads.rhythm
        return mixed

    def learnt(self, leads: Encoded) -> Floats:
        """Log-odds by what became of the leads that it learnt from."""
        linear: Floats = self.linear.decision_function(leads.matrix)
        if not self.boosted:
            return linear + self.offset
        boosted = np.mean([forest.sums(leads.steps) for forest in self.boosted], axis=0)
        blended: Floats = (1 - self.boosted_weight) * linear + self.boosted_weight * boosted
        return blended + self.offset


def fit(
    encoder: Encoder, leads: Encoded, target: Floats, boosted_weight: float, seed: int
) -> Classifier:
    """The classifier of these leads, which the encoder has encoded.

    `target` is each lead's probability of the outcome: 0 or 1 when it is known, something between
    while it is open. Raises ValueError unless both outcomes are there.
    """
    # half the log-odds are linear: under drift plain regression beats all trees (measured on
    # bookings)
    linear = fit_linear(leads.matrix, target, seed)
    shapes = SHAPES if boosted_weight else ()
    boosted = tuple(
        encoder.forest(_fit_boosted(leads.trees, target, encoder.is_unordered, shape, seed + place))
        for place, shape in enumerate(shapes)
    )
    own_past = 0.0 if encoder.rhythm is None else encoder.rhythm.share
    return Classifier(linear, boosted, boosted_weight, own_past=own_past)


def fit_linear(
    design: sparse.csr_matrix, target: Floats, seed: int, start: LogisticRegression | None = None
) -> LogisticRegression:
    """The linear half of these leads; the search begins at `start`, a fit to the same columns."""
    kept = np.sort(np.random.default_rng(seed).permutation(len(target))[:LINEAR_ROWS])
    rows, outcomes, weights = _both_ways(target[kept])
    fitted = LogisticRegression(C=_variance(target[kept]), max_iter=500, warm_start=True)
    if start is not None:
        fitted.coef_, fitted.intercept_ = start.coef_, start.intercept_
    return fitted.fit(design[kept[rows]], outcomes, weights)


def _variance(target: Floats) -> float:
    won = float(target.sum())
    rarer = min(won, len(target) - won)
    return float(np.clip(LEAST_C * rarer / FEW_WINS, LEAST_C, MOST_C))


def _fit_boosted(
    rows: Floats,
    target: Floats,
    is_unordered: Sequence[bool],
    shape: Mapping[str, float],
    seed: int,
) -> HistGradientBoostingClassifier:
    leads, outcomes, weights = _both_ways(target)
    forest = HistGradientBoostingClassifier(
        max_iter=ROUNDS,
        l2_regularization=5,
        max_features=0.3,
        categorical_features=list(is_unordered),
        # stopping early would hold back a part of the leads, and few are won
        early_stopping=False,
        random_state=seed,
        **shape,
    )
    return forest.fit(rows[leads], outcomes, weights)


def _both_ways(target: Floats) -> tuple[NDArray[np.int64], Floats, Floats | None]:
    """Rows, outcomes and weights: an open lead counts once as won, once as lost."""
    rows = np.arange(len(target))
    is_open = np.flatnonzero((target > 0) & (target < 1))
    if not len(is_open):
        return rows, target, None
    outcomes = np.concatenate([target > 0, np.zeros(len(is_open))])
    weights = np.concatenate([np.where(target > 0, target, 1.0), 1 - target[is_open]])
    return np.concatenate([rows, is_open]), outcomes, weights
