"""Learning from leads whose outcome is still open.

An open lead takes part in training as partly won: with the probability that it will be won, given
that it was neither won nor lost so far (expectation maximization; Dempster, Laird & Rubin 1977).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from functions.score_leads.data.features import Index
from functions.score_leads.data.outcomes import Arrival, Outcomes, arrival
from functions.score_leads.data.values import Floats
from functions.score_leads.numeric.log_odds import probability

PASSES = 4

Guess = Callable[[Index, Floats, bool], Floats]
"""Log-odds of every lead, learnt from some of them and their targets; and whether roughly."""


def soft_targets(outcomes: Outcomes, predicted: Floats) -> Floats:
    """Each lead's probability of being won, given what is known of it so far.

    1 for wins, 0 for other leads whose outcome is known; what is still to be won of open ones.
    """
    still = Delays.of(outcomes).still_to_win(predicted, outcomes.age)
    return np.where(outcomes.is_known, outcomes.won.astype(float), still)


@dataclass(frozen=True)
class Delays:
    """How wins and losses become known with age."""

    wins: Arrival
    losses: Arrival
    """Share of the leads that will not be won whose loss is known."""

    @classmethod
    def of(cls, outcomes: Outcomes) -> Delays:
        """Of these leads; without an end, everything is known at once."""
        if not np.isfinite(outcomes.window):
            return cls(Arrival(np.ones(1)), Arrival(np.zeros(1)))
        wins = arrival(outcomes.won_after, outcomes.age, outcomes.window)
        not_won = outcomes.mature & ~outcomes.won
        lost_after = np.sort(outcomes.lost_after[not_won])
        days = np.arange(int(np.ceil(outcomes.window)) + 1)
        known = np.searchsorted(lost_after, days, side="right") / max(int(not_won.sum()), 1)
        # at 1 no loss would be left to come, and every open lead sure to be won
        return cls(wins, Arrival(np.minimum(known, 0.99)))

    def still_to_win(self, chance: Floats, age: Floats) -> Floats:
        """Probability of a win of leads that are neither won nor lost at this age.

        Bayes' rule on the chance p as if new: p(1-F) / (p(1-F) + (1-p)(1-G)).
        """
        to_win = chance * (1 - self.wins.by(age))
        to_lose = (1 - chance) * (1 - self.losses.by(age))
        still: Floats = to_win / np.maximum(to_win + to_lose, 1e-12)
        return still


def targets(outcomes: Outcomes, guess: Guess) -> Floats:
    """The target of every lead after PASSES rounds of predicting open ones and fitting again."""
    known = outcomes.is_known
    target = outcomes.won.astype(float)
    if known.all():
        return target
    # young wins without the young leads still open would overstate the rate
    mature = np.flatnonzero(outcomes.mature if outcomes.mature.any() else known)
    every = np.arange(len(target))
    logits = guess(mature, target[mature], True)
    for turn in range(PASSES):
        target = soft_targets(outcomes, probability(logits))
        if turn < PASSES - 1:
            # the boosted half joins for the last guess alone: it takes longest, and the linear one
            # gets near
            logits = guess(every, target, turn < PASSES - 2)
    return target
