"""Which model the outcomes can carry, from the base rate up to the full blend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from functions.score_leads.data.attributes import ABSENT, Codes
from functions.score_leads.data.features import Features
from functions.score_leads.data.values import Floats
from functions.score_leads.numeric.log_odds import log_odds
from functions.score_leads.numeric.metrics import area_error, area_under_curve, log_losses

# learning curves of four sets: with 5 wins the linear half loses to the base rate on two of them,
# with 10 on none; below 50 the boosted half lowers the loss of none
LINEAR_FROM, BLEND_FROM = 10, 50
"""Leads of the rarer outcome from which there is a model at all, and one with trees in it."""

# leads of the wider source that each level is mixed with
SMOOTHING = 30.0
# forward in time .545 on a set without any signal, .64 to .88 on sets with one
LEAST_AREA = 0.55
LEAST_AREA_Z, LEAST_GAIN_Z = 2.0, -1.0
"""Skill is shown by an area this many standard errors above a coin's, and no clear loss in log
loss; pure noise passes both by chance about once in a hundred trainings."""


@dataclass(frozen=True)
class Step:
    """One step of the ladder."""

    name: Literal["base_rate", "linear", "light_blend", "blend"]
    boosted_weight: float
    reason: str


def step(won: int, not_won: int) -> Step:
    """The step for this many leads of either outcome; the rarer one decides."""
    rarer = min(won, not_won)
    if rarer < LINEAR_FROM:
        lacking = f"{LINEAR_FROM - rarer} more {'won' if won <= not_won else 'not won'} are needed"
        if rarer:
            leads = (LINEAR_FROM - rarer) * (won + not_won) / rarer
            lacking += f", which takes about {leads:,.0f} more leads at this rate"
        shown = f"{won} won and {not_won} not won leads, {lacking}"
        return Step("base_rate", 0.0, f"too_few_conversions: {shown}")
    if rarer < BLEND_FROM:
        lacking = f"{BLEND_FROM - rarer} more make a better model"
        shown = f"only {rarer} leads of the rarer outcome, {lacking}"
        return Step("linear", 0.0, f"experimental: {shown}")
    if rarer < 200:
        # between the linear model and half: 0.25 is interpolated, not measured by itself
        return Step("light_blend", 0.25, f"{rarer} leads of the rarer outcome")
    return Step("blend", 0.5, f"{rarer} leads of the rarer outcome")


@dataclass(frozen=True)
class SourceRates:
    """The rates of one attribute's levels."""

    attribute: str
    rates: tuple[float, ...]
    """Of each code; those of RARE and ABSENT say nothing and are not asked."""

    def applied(self, codes: Codes, parents: Floats) -> Floats:
        """The rate of each lead's level, its parent's where the level is not known."""
        known = (codes > ABSENT) & (codes < len(self.rates))
        return np.where(known, np.append(self.rates, 0.0)[np.where(known, codes, -1)], parents)


@dataclass(frozen=True)
class BaseRate:
    """One probability for all leads, drawn towards that of each lead's sources."""

    rate: float
    sources: tuple[SourceRates, ...] = ()
    """From the widest to the narrowest, as channel and campaign."""

    def logits(self, features: Features) -> Floats:
        """Log-odds of each lead."""
        rates = np.full(features.count, self.rate)
        for source in self.sources:
            rates = source.applied(features.codes[source.attribute], rates)
        return log_odds(rates)


def base_rate(target: Floats, sources: Sequence[tuple[str, Codes]] = ()) -> BaseRate:
    """(wins + 1/2) / (leads + 1), and for each level of the sources a rate of its own.

    A level's rate is mixed with SMOOTHING leads of the rate that its leads have by the wider
    sources: a campaign leans on its channel, and a channel on all that the customer has seen.
    """
    rate = float((target.sum() + 0.5) / (len(target) + 1))
    rates, found = np.full(len(target), rate), []
    for attribute, codes in sources:
        leads, wins = np.bincount(codes), np.bincount(codes, target)
        wider = np.bincount(codes, rates) / np.maximum(leads, 1)
        smoothed = (wins + SMOOTHING * wider) / (leads + SMOOTHING)
        found.append(SourceRates(attribute, tuple(map(float, smoothed))))
        rates = found[-1].applied(codes, rates)
    return BaseRate(rate, tuple(found))


def lacks_skill(logits: Floats, base: Floats, won: Floats) -> str:
    """Why the model is no better than its base rate out of time; empty when it is.

    `logits` are the model's and `base` the base rate's for the same leads, none of them trained on.
    """
    if min(won.sum(), len(won) - won.sum()) < 5:
        return "too few outcomes to show skill"
    area, error = area_under_curve(logits, won), area_error(won)
    gain = log_losses(base, won) - log_losses(logits, won)
    gain_z = float(gain.mean() / max(gain.std() / np.sqrt(len(gain)), 1e-12))
    if area < LEAST_AREA or area - 0.5 < LEAST_AREA_Z * error:
        return f"area under the curve {area:.3f} +- {error:.3f}"
    if gain_z <= LEAST_GAIN_Z:
        return f"log loss {-gain.mean():.4f} worse than the base rate's (z {gain_z:.1f})"
    return ""
