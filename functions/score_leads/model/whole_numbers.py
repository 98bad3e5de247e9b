"""Whole numbers that are codes: agents, companies and industries are told apart, not added up.

Both readings are tried on leads that neither has seen. The name comes first (`_id`, `code`); this
is for the numbers whose name says nothing.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from functions.score_leads.data.outcomes import Flags
from functions.score_leads.data.values import Floats
from functions.score_leads.numeric.folds import FOLDS, folds

KNOTS = 7
SMOOTHING = 20.0
CLEAR_Z = 2.0
FEW_VALUES, FEW_LEADS, MOST_LEADS = 10, 500, 50_000
"""Fewer values than FEW_VALUES a spline tells apart as well."""


def is_code(values: Floats, won: Flags, seed: int) -> bool:
    """Whether the number predicts clearly better as a category: z > 2 over five folds."""
    there = ~np.isnan(values)
    number, outcome = values[there], won[there].astype(float)
    # numbers with a fraction that jump stand for a time, as macro rates do, not for a code
    if len(number) < FEW_LEADS or (number % 1).any() or outcome.sum() < FOLDS:
        return False
    kept = np.sort(np.random.default_rng(seed).permutation(len(number))[:MOST_LEADS])
    number, outcome = number[kept], outcome[kept]
    if len(np.unique(number)) < FEW_VALUES or outcome.all():
        return False
    gain = _gain(number, outcome, seed)
    error = gain.std() / np.sqrt(len(gain))
    # measured: finds .6 of agents' ids, and takes none of employees, visits, budgets or nights for
    # a code
    return bool(gain.mean() > CLEAR_Z * error)


def _gain(number: Floats, outcome: Floats, seed: int) -> Floats:
    """Each lead's log loss as an amount minus that as a category."""
    design, fold = _hats(number), folds(len(number), seed)
    _, level = np.unique(number, return_inverse=True)
    gain = np.zeros(len(number))
    for held_out in range(FOLDS):
        mine = fold == held_out
        if not 0 < outcome[~mine].sum() < (~mine).sum():
            continue
        fitted = LogisticRegression(C=1.0, max_iter=200).fit(design[~mine], outcome[~mine])
        amount = fitted.predict_proba(design[mine])[:, 1]
        rate = _rates(level, outcome, ~mine)[level[mine]]
        gain[mine] = _loss(amount, outcome[mine]) - _loss(rate, outcome[mine])
    return gain


def _hats(number: Floats) -> Floats:
    knots = np.unique(np.quantile(number, np.linspace(0, 1, KNOTS)))
    place = np.interp(number, knots, np.arange(len(knots), dtype=float))
    hats: Floats = np.clip(1 - np.abs(place[:, None] - np.arange(len(knots))), 0, None)
    return hats


def _rates(level: np.ndarray, outcome: Floats, seen: Flags) -> Floats:
    """Each level's rate among the seen leads, mixed with SMOOTHING average ones."""
    size = int(level.max()) + 1
    leads = np.bincount(level[seen], minlength=size)
    wins = np.bincount(level[seen], outcome[seen], minlength=size)
    rates: Floats = (wins + SMOOTHING * outcome[seen].mean()) / (leads + SMOOTHING)
    return rates


def _loss(chance: Floats, outcome: Floats) -> Floats:
    loss: Floats = -np.log(np.clip(np.where(outcome > 0.5, chance, 1 - chance), 1e-9, 1))
    return loss
