"""Fitting the classifier to leads of which some are still open, and balancing what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from functions.score_leads.data.features import Features, Index
from functions.score_leads.data.outcomes import Outcomes
from functions.score_leads.data.values import Floats
from functions.score_leads.model import classifier, encoding
from functions.score_leads.model.classifier import Classifier
from functions.score_leads.model.encoding import Encoder
from functions.score_leads.model.open_outcomes import targets
from functions.score_leads.numeric.folds import FOLDS, folds
from functions.score_leads.numeric.log_odds import shift_to
from functions.score_leads.numeric.rhythm import Rhythm

MANY = 50_000
FEW = 20_000
"""Up to so many leads, what a model says of the leads that it learnt from is too good."""


@dataclass(frozen=True)
class Fitted:
    """A classifier and the encoder of its leads."""

    encoder: Encoder
    classifier: Classifier
    apart: tuple[Fitted, ...] = ()
    """For each lasting fold what the leads of the others taught; empty when there are none."""

    def logits(self, features: Features) -> Floats:
        """Log-odds of each lead."""
        return self.classifier.logits(self.encoder.encode(features))

    def learnt(self, features: Features) -> Floats:
        """Log-odds of each lead by what became of others alone."""
        return self.classifier.learnt(self.encoder.encode(features))


def fit(
    features: Features,
    target: Floats,
    boosted_weight: float,
    seed: int,
    rhythm: Rhythm | None = None,
) -> Fitted:
    """The classifier of leads with these targets, from 0 to 1."""
    encoder = encoding.fit(features, target, rhythm)
    if boosted_weight:
        leads = encoder.encode_for_training(features, target, seed)
    else:
        leads = encoder.encode(features)
    fitted = classifier.fit(encoder, leads, target, boosted_weight, seed)
    return Fitted(encoder, fitted)


class Rough:
    """The linear half alone, fitted again and again to the same leads."""

    def __init__(self, features: Features, seed: int) -> None:
        self._features, self._seed = features, seed
        self._last: LogisticRegression | None = None

    @cached_property
    def _design(self) -> sparse.csr_matrix:
        # only trees read what levels say of the target, so that any target gives this design
        encoder = encoding.fit(self._features, np.zeros(self._features.count))
        return encoder.design(self._features).matrix()

    def logits(self, rows: Index, target: Floats) -> Floats:
        """Log-odds of every lead, learnt from some of them; begins where the last fit ended."""
        fitted = classifier.fit_linear(self._design[rows], target, self._seed, self._last)
        self._last = fitted
        every: Floats = fitted.decision_function(self._design)
        return every


def fit_open(
    features: Features,
    outcomes: Outcomes,
    boosted_weight: float,
    seed: int,
    *,
    quick: bool = False,
    lasting: NDArray[np.int64] | None = None,
    rhythm: Rhythm | None = None,
) -> tuple[Fitted, Floats]:
    """The classifier, and the log-odds of the leads that it learnt from as if they were new.

    These come from what became of leads alone, also where a rhythm is part of the classifier.
    With `lasting` folds what gave these log-odds is kept, to judge the same leads later.

    Open outcomes are guessed by the linear half alone when `quick`, or when there are so many leads
    that the other half would add little to the guess.
    """
    linear = quick or features.count > MANY
    roughly = Rough(features, seed)

    def guess(rows: Index, target: Floats, rough: bool) -> Floats:
        if rough or linear:
            return roughly.logits(rows, target)
        return fit(features.take(rows), target, boosted_weight, seed).logits(features)

    target = targets(outcomes, guess)
    fitted = fit(features, target, boosted_weight, seed, rhythm)
    apart: list[Fitted] = []
    # five more fits, and of so many leads no model remembers much
    if quick or features.count > FEW:
        unseen = fitted.learnt(features)
    else:
        fold = folds(features.count, seed) if lasting is None else lasting
        apart = _apart(features, target, boosted_weight, seed, fold, rhythm)
        unseen = _unseen(features, apart, fold)
    # a mean of log-odds has the sum of neither half, and both halves lean toward the average
    offset = shift_to(float(target.sum()), unseen)
    kept = () if lasting is None else tuple(_moved(part, offset) for part in apart)
    # customers' own past is left out: it has no sum to be balanced to, and a level would take that
    # for rates that move
    return replace(_moved(fitted, offset), apart=kept), unseen + offset


def _moved(fitted: Fitted, offset: float) -> Fitted:
    return replace(fitted, classifier=replace(fitted.classifier, offset=offset))


def _apart(
    features: Features,
    target: Floats,
    boosted_weight: float,
    seed: int,
    fold: NDArray[np.int64],
    rhythm: Rhythm | None,
) -> list[Fitted]:
    """For each fold the classifier of the leads in the others."""
    others = (np.flatnonzero(fold != held_out) for held_out in range(FOLDS))
    return [fit(features.take(seen), target[seen], boosted_weight, seed, rhythm) for seen in others]


def _unseen(features: Features, apart: list[Fitted], fold: NDArray[np.int64]) -> Floats:
    """Log-odds of each lead by what the leads of the other folds taught."""
    logits = np.empty(features.count)
    for held_out, fitted in enumerate(apart):
        mine = np.flatnonzero(fold == held_out)
        logits[mine] = fitted.learnt(features.take(mine))
    return logits
