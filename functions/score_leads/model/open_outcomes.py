"""Learning from leads whose outcome is still open, and keeping the level of predictions current.

An open lead takes part in training as partly won: with the probability that it will be won, given
that it was neither won nor lost so far (expectation maximization; Dempster, Laird & Rubin 1977).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from functions.score_leads.data.attributes import Codes
from functions.score_leads.data.features import Index
from functions.score_leads.data.outcomes import Outcomes, arrival
from functions.score_leads.data.values import Floats
from functions.score_leads.model.encoding import probability, shift_to

PASSES = 4
YOUNG_DAYS = 45
PRIOR, CHANNEL_PRIOR = 30.0, 100.0
"""Wins as predicted that are added to both sides, so that few wins move the level little."""

FACTOR_LIMITS = (0.5, 2.0)
MOVED = 0.25
"""Population stability index above which delays count as changed."""

Guess = Callable[[Index, Floats, bool], Floats]
"""Log-odds of every lead, learnt from some of them and their targets; and whether roughly."""


def soft_targets(outcomes: Outcomes, predicted: Floats) -> Floats:
    """Each lead's probability of being won, given what is known of it so far.

    1 for wins, 0 for other settled leads; for open ones p(1-F) / (p(1-F) + (1-p)(1-G)), where F
    and G are the shares of wins and of losses that arrive by the lead's age.
    """
    wins = arrival(outcomes.won_after, outcomes.age, outcomes.window)
    losses = _losses(outcomes)
    still_to_win = predicted * (1 - wins.by(outcomes.age))
    still_to_lose = (1 - predicted) * (1 - losses)
    open_target = still_to_win / np.maximum(still_to_win + still_to_lose, 1e-12)
    return np.where(outcomes.settled, outcomes.won.astype(float), open_target)


def _losses(outcomes: Outcomes) -> Floats:
    """Share of the leads that will not be won whose loss is known by each lead's age."""
    not_won = outcomes.mature & ~outcomes.won
    if not not_won.any():
        return np.zeros(len(outcomes.age))
    lost_after = outcomes.lost_after[not_won]
    known = np.sort(lost_after[lost_after <= outcomes.window])
    known_share: Floats = np.searchsorted(known, outcomes.age, side="right") / not_won.sum()
    return np.where(outcomes.settled, 0.0, np.minimum(known_share, 0.99))


def targets(outcomes: Outcomes, guess: Guess) -> Floats:
    """The target of every lead after PASSES rounds of predicting open ones and fitting again."""
    settled = outcomes.settled
    target = outcomes.won.astype(float)
    if settled.all():
        return target
    # young wins without the young leads still open would overstate the rate
    mature = np.flatnonzero(outcomes.mature if outcomes.mature.any() else settled)
    every = np.arange(len(target))
    logits = guess(mature, target[mature], True)
    for turn in range(PASSES):
        target = soft_targets(outcomes, probability(logits))
        if turn < PASSES - 1:
            logits = guess(every, target, turn < PASSES - 2)
    return target


@dataclass(frozen=True)
class Level:
    """Shift of all log-odds, and of each channel's, toward what young leads do right now."""

    factor: float
    """How many times as many wins are expected of all leads as without the shift."""
    overall: float
    channels: tuple[float, ...]
    """Shift of each channel's code, on top of `overall`; empty without a channel."""
    note: str = ""

    def shift(self, channel: Codes | None) -> Floats | float:
        """What to add to the log-odds."""
        if channel is None or not self.channels:
            return self.overall
        own = np.append(self.channels, 0.0)
        shifts: Floats = self.overall + own[np.minimum(channel, len(self.channels))]
        return shifts


UNMOVED = Level(1.0, 0.0, ())


def level(outcomes: Outcomes, logits: Floats, channel: Codes | None) -> Level:
    """Wins of young leads so far against those expected of them by now.

    Off when young wins come at other delays than they used to: then F says nothing of their total.
    """
    if not np.isfinite(outcomes.window) or outcomes.settled.all():
        return UNMOVED
    wins = arrival(outcomes.won_after, outcomes.age, outcomes.window)
    if delays_moved(outcomes) > MOVED:
        return Level(1.0, 0.0, (), "switched off: wins arrive at other delays than they used to")
    young = (outcomes.age < min(outcomes.window, YOUNG_DAYS)) & (outcomes.age >= 0)
    arrived, won = wins.by(outcomes.age[young]), outcomes.won[young].astype(float)
    factor, overall = _moved(won, logits[young], arrived, PRIOR)
    if channel is None:
        return Level(factor, overall, ())
    codes, moved = channel[young], logits[young] + overall
    own = np.zeros(channel.max() + 1)
    for code in np.unique(codes):
        mine = codes == code
        _, own[code] = _moved(won[mine], moved[mine], arrived[mine], CHANNEL_PRIOR)
    return Level(factor, overall, tuple(own.tolist()))


def _moved(won: Floats, logits: Floats, arrived: Floats, prior: float) -> tuple[float, float]:
    """By which factor wins have moved, and the shift of the log-odds that makes it so.

    `arrived` is the share of each lead's chance that should have come true by now.
    """
    expected = float(np.sum(probability(logits) * arrived))
    factor = _factor(float(won.sum()), expected, prior)
    # a factor of the odds would move likely wins less than it says
    return factor, shift_to(factor * expected, logits, arrived) if expected else 0.0


def _factor(observed: float, expected: float, prior: float) -> float:
    return float(np.clip((observed + prior) / (expected + prior), *FACTOR_LIMITS))


def delays_moved(outcomes: Outcomes) -> float:
    """Population stability index of the first week's share of wins: newest half against oldest.

    Only mature leads have all their delays; 0 while either half has fewer than 50 wins.
    """
    wins = np.flatnonzero(outcomes.mature & outcomes.won)
    by_age = wins[np.argsort(-outcomes.age[wins], kind="stable")]
    old, new = by_age[: len(by_age) // 2], by_age[len(by_age) // 2 :]
    if len(old) < 50:
        return 0.0
    first, second = (np.mean(outcomes.won_after[half] <= 7) for half in (old, new))
    shares = np.clip([first, second], 0.005, 0.995)
    return float(
        (shares[0] - shares[1]) * np.log(shares[0] / shares[1])
        + (shares[1] - shares[0]) * np.log((1 - shares[0]) / (1 - shares[1]))
    )
