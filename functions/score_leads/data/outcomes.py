"""What is known of each lead's outcome so far, and how wins and losses arrive over time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from functions.score_leads.data.features import Index
from functions.score_leads.data.values import Floats

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Outcomes:
    """One entry a lead, times in days since its creation; NaN where nothing happened so far."""

    won_after: Floats
    lost_after: Floats
    age: Floats
    value: Floats
    """Money of the lead's deals inside the window; NaN when it is not won or not known."""
    window: float
    """Days a lead has to become a deal; infinite when every outcome is final."""

    @cached_property
    def won(self) -> Flags:
        """Won inside the window."""
        return ~np.isnan(self.won_after) & (self.won_after <= self.window)

    @cached_property
    def is_known(self) -> Flags:
        """Won, lost inside the window, or older than the window."""
        lost = ~np.isnan(self.lost_after) & (self.lost_after <= self.window)
        return self.won | lost | (self.age >= self.window)

    @property
    def won_value(self) -> Floats:
        """Money of the leads that are won inside the window; NaN for all others."""
        value: Floats = np.where(self.won, self.value, np.nan)
        return value

    @property
    def mature(self) -> Flags:
        """Older than the window, so that nothing can change any more."""
        return self.age >= self.window

    def take(self, leads: Index) -> Outcomes:
        """The outcomes of some of the leads."""
        return Outcomes(
            self.won_after[leads],
            self.lost_after[leads],
            self.age[leads],
            self.value[leads],
            self.window,
        )

    def as_of(self, days_ago: float) -> Outcomes:
        """What was known this many days earlier; leads created since have a negative age."""
        age = self.age - days_ago
        return Outcomes(
            np.where(self.won_after <= age, self.won_after, np.nan),
            np.where(self.lost_after <= age, self.lost_after, np.nan),
            age,
            np.where(self.won_after <= age, self.value, np.nan),
            self.window,
        )


def final(won: Flags, value: Floats) -> Outcomes:
    """Outcomes that cannot change any more and whose time is not known."""
    nothing = np.full(len(won), np.nan)
    return Outcomes(
        np.where(won, 0.0, np.nan), nothing, np.full(len(won), np.inf), value, window=np.inf
    )


MOST_DAYS, OBSERVED = 365, 0.8
"""Wins are followed for a year at most, and only up to an age that a fifth of the time has seen."""

COVERED, FEW_WINS, UNKNOWN_WINDOW = 0.9, 20, 60


@dataclass(frozen=True)
class Tail:
    """How much of what is ever won comes inside the window."""

    window: int
    """Days a lead has to become a deal."""
    share: float
    """Of the wins up to `followed` days, those inside the window."""
    followed: int
    """Days; of wins after them history shows nothing."""

    @property
    def factor(self) -> float:
        """Wins up to `followed` days for each win inside the window; never part of a promise."""
        return 1 / self.share if self.share else 1.0


def tail(won_after: Floats, age: Floats, window: int | None = None) -> Tail:
    """The window and what lies beyond it, from leads of these ages in days.

    Unless given, the window is the shortest that covers nine tenths of Kaplan and Meier's
    incidence, from 14 to 180 days; 60 while fewer than 20 wins are known. The quantile of the known
    wins would be too short twice: most leads are young, and so are their wins.
    """
    few = int((~np.isnan(won_after)).sum()) < FEW_WINS
    followed = int(min(MOST_DAYS, OBSERVED * max(age.max(initial=0), 0)))
    incidence = _incidence(won_after, age, followed)
    if few or not incidence[-1]:
        return Tail(window or UNKNOWN_WINDOW, 1.0, window or UNKNOWN_WINDOW)
    if window is None:
        # less a rounding error, so that exactly nine tenths count as reached
        reached = np.searchsorted(incidence, COVERED * incidence[-1] - 1e-12)
        window = int(np.clip(reached, 14, 180))
    if window >= followed:
        return Tail(window, 1.0, window)
    return Tail(window, float(incidence[window] / incidence[-1]), followed)


def _incidence(won_after: Floats, age: Floats, days: int) -> Floats:
    """Share of all leads won by each age from 0 to `days`, censored by the leads' ages alone.

    Source: Kaplan & Meier (1958), doi.org/10.1080/01621459.1958.10501452, on a daily grid.
    """
    happened = ~np.isnan(won_after) & (won_after <= days)
    seen_until = np.where(happened, won_after, np.clip(age, 0, days))
    # whole days rounded up, so that an event is counted on the day by whose end it is known
    day_of = np.ceil(seen_until).astype(int)
    events = np.bincount(day_of[happened], minlength=days + 1)
    leaving = np.bincount(day_of, minlength=days + 1)
    at_risk = len(won_after) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    hazard = np.divide(events, at_risk, out=np.zeros(days + 1), where=at_risk > 0)
    incidence: Floats = 1 - np.cumprod(1 - hazard)
    return incidence


@dataclass(frozen=True)
class Arrival:
    """How a kind of outcome arrives: the share of those within the window, by age in days."""

    share: Floats
    """Index 0 is age 0; the last entry, the window's, is 1."""

    def by(self, age: Floats) -> Floats:
        """Share of the outcomes that have arrived at this age, from 0 to 1."""
        arrived: Floats = np.interp(age, np.arange(len(self.share)), self.share)
        return arrived


def arrival(after: Floats, age: Floats, window: float) -> Arrival:
    """The chain ladder on a daily grid: each step compares wins of the same leads alone.

    F(b-1) = F(b) (1 - n/N) from the window down, with N the outcomes by day b and n those on it,
    both of leads that are b days old: a rate that changes from cohort to cohort leaves it alone.
    Source: the reverse-time product limit of Lagakos, Barraj & De Gruttola (1988),
    doi.org/10.1093/biomet/75.3.515.
    """
    days = int(np.ceil(window))
    seen = np.floor(np.clip(age, -1, days)).astype(int)
    on = np.ceil(np.where(np.isnan(after), days + 1, np.clip(after, 0, days + 1))).astype(int)
    known = on <= seen
    by_day = np.bincount(on[known], minlength=days + 1)
    younger = np.concatenate([[0], np.cumsum(np.bincount(seen[known], minlength=days + 1))[:-1]])
    so_far = np.cumsum(by_day) - younger
    step = np.divide(by_day, so_far, out=np.zeros(days + 1), where=so_far > 0)
    # no outcome says how they arrive: evenly favours no age
    if not by_day.any():
        return Arrival(np.linspace(0, 1, days + 1))
    return Arrival(np.append(np.cumprod(1 - step[:0:-1])[::-1], 1.0))
