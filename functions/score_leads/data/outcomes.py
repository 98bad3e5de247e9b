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
    def settled(self) -> Flags:
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


def usual_window(won_after: Floats) -> int:
    """Days by which four of five wins have happened, from 14 to 180; 60 while there are few."""
    there = won_after[~np.isnan(won_after)]
    if len(there) < 20:
        return 60
    return int(np.clip(np.ceil(np.quantile(there, 0.8)), 14, 180))


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
    """Kaplan and Meier's estimate on a daily grid, censored by the age of each lead alone.

    Cumulative incidence by age, divided by its value at the window. Source: Kaplan & Meier (1958),
    doi.org/10.1080/01621459.1958.10501452.
    """
    days = int(np.ceil(window))
    happened = ~np.isnan(after) & (after <= window)
    seen_until = np.where(happened, after, np.minimum(age, window))
    day_of = np.clip(np.ceil(seen_until), 0, days).astype(int)
    events = np.bincount(day_of[happened], minlength=days + 1)
    leaving = np.bincount(day_of, minlength=days + 1)
    at_risk = len(after) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    hazard = np.divide(events, at_risk, out=np.zeros(days + 1), where=at_risk > 0)
    incidence = 1 - np.cumprod(1 - hazard)
    if incidence[-1] == 0:
        return Arrival(np.linspace(0, 1, days + 1))
    return Arrival(incidence / incidence[-1])
