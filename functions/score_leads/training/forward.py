"""Evaluation forward in time: what a model knew of leads that came after everything it learnt."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from functions.score_leads.data.features import Features
from functions.score_leads.data.outcomes import Outcomes
from functions.score_leads.data.values import Floats
from functions.score_leads.model import fitting, ladder, value
from functions.score_leads.model.encoding import tells_apart
from functions.score_leads.model.level import level
from functions.score_leads.numeric.log_odds import log_odds, probability
from functions.score_leads.numeric.rhythm import Rhythm

BLOCKS = 3
FROM = 0.6
"""The newest 40 % of the leads with a final outcome are predicted, block by block."""

ROWS = 25_000
"""Older leads that a block's model learns from; more change its figures little."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Forward:
    """Predictions for leads that were not trained on, corrected as those that are sent.

    One entry a lead, oldest first.
    """

    leads: Rows
    logits: Floats
    base: Floats
    """Log-odds of the base rate that was known at the time."""
    won: Floats
    deal_value: Floats
    """Predicted money if won; NaN without a value model."""
    actual_value: Floats
    """Money of won leads, NaN where it is not known; 0 for the others."""

    @property
    def probability(self) -> Floats:
        """Probabilities of the logits, between 0 and 1."""
        return probability(self.logits)

    @property
    def lack_of_skill(self) -> str:
        """Why the model is no better than its base rate; empty when it is."""
        return ladder.lacks_skill(self.logits, self.base, self.won)


def blocks(outcomes: Outcomes) -> Iterator[tuple[Rows, Rows, Outcomes]]:
    """Leads to learn from, with what was known of them at the time, and leads to predict.

    The leads are ordered, oldest first. Yields (learn, predict, outcomes of learn). A history too
    short for anything to have been final at the time lends the older leads' later outcomes.
    """
    final = np.flatnonzero(outcomes.mature)
    cuts = np.round(np.linspace(FROM, 1, BLOCKS + 1) * len(final)).astype(int)
    for start, end in itertools.pairwise(cuts.tolist()):
        if start == 0 or start == end:
            continue
        predict = final[start:end]
        # blocks follow each other in time: folds at random would let a block learn from its own
        # future
        learn = np.arange(predict[0])
        if not np.isfinite(outcomes.window):
            yield learn, predict, outcomes.take(learn)
            continue
        later = outcomes.take(learn)
        known = later.as_of(float(outcomes.age[predict[0]]))
        yield learn, predict, known if _step(known).name != "base_rate" else later


def evaluate(
    features: Features, outcomes: Outcomes, seed: int, rhythm: Rhythm | None = None
) -> Forward | None:
    """Out-of-time predictions of the newest final leads; None when there is too little to learn."""
    parts = [
        _predict(features, outcomes, learn, predict, known, seed, rhythm)
        for learn, predict, known in blocks(outcomes)
    ]
    there = [part for part in parts if part is not None]
    if not there:
        return None
    fields = ("leads", "logits", "base", "won", "deal_value", "actual_value")
    return Forward(*(np.concatenate([getattr(part, name) for part in there]) for name in fields))


def _predict(
    features: Features,
    outcomes: Outcomes,
    learn: Rows,
    predict: Rows,
    known: Outcomes,
    seed: int,
    rhythm: Rhythm | None,
) -> Forward | None:
    step = _step(known)
    if step.name == "base_rate":
        return None
    kept = np.sort(np.random.default_rng(seed).permutation(len(learn))[:ROWS])
    older, newer = features.take(learn[kept]), features.take(predict)
    if not tells_apart(older):
        return None
    then = known.take(kept)
    fitted, logits = fitting.fit_open(
        older, then, step.boosted_weight, seed, quick=True, rhythm=rhythm
    )
    encoded = fitted.encoder.encode(newer)
    base = ladder.base_rate(known.won[known.mature].astype(float))
    return Forward(
        leads=predict,
        logits=fitted.classifier.logits(encoded) + level(then, logits).overall,
        base=log_odds(np.full(len(predict), base.rate)),
        won=outcomes.won[predict].astype(float),
        deal_value=_deal_values(fitted, logits, older, then, newer, seed),
        actual_value=np.where(outcomes.won[predict], outcomes.value[predict], 0.0),
    )


def _step(known: Outcomes) -> ladder.Step:
    won = int((known.won & known.mature).sum())
    return ladder.step(won, int(known.mature.sum()) - won)


def _deal_values(
    fitted: fitting.Fitted,
    logits: Floats,
    older: Features,
    known: Outcomes,
    newer: Features,
    seed: int,
) -> Floats:
    encoder = fitted.encoder
    money = value.Money(known.won_value, probability(logits), known.mature)
    model = value.fit(encoder, older, money, seed, quick=True)
    if model is None:
        return np.full(newer.count, np.nan)
    return model.values(encoder.encode(newer), newer)
