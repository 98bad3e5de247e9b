"""How the level of wins walks from week to week, and where it will be in the coming month.

Each way is a dynamic Poisson model of weekly wins: the logarithm of wins to expected wins stays at
nothing, walks (local level), or walks with a slope that walks as well (local linear trend). Every
week is predicted from the weeks before it alone, so a way's weight is what it has earned forward in
time. Sources: West & Harrison (1997), Bayesian Forecasting and Dynamic Models, chapter 14, for the
filter; Raftery, Karny & Ettler (2010), doi.org/10.1198/TECH.2009.08104, for weights that forget.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.special import gammaln

from functions.score_leads.data.values import Floats

Choice = Literal["none", "steady", "trend"]

WEEK = 7.0
MEMORY_WEEKS = 90 / WEEK
"""Half-life of what a week says for or against a way."""

FIRST_LEVEL = 0.3
"""Standard deviation of the oldest week's level, unless a way knows none."""
NOISE = 0.05
"""Standard deviation of a week's level on its own, as of holidays and of who happens to be away:
with thousands of wins a week it is no walk."""
HEADED = (3.5 + 15) / WEEK
"""Weeks from the middle of the newest week to the middle of the coming month."""


@dataclass(frozen=True)
class Way:
    """How the level may walk; standard deviations of its logarithm, by week."""

    name: str
    choice: Choice
    prior: float
    walk: float = 0.0
    slope: float = 0.0
    """Of the slope that it begins with."""
    turn: float = 0.0
    """Of what the slope changes by."""


WAYS = (
    Way("none", "none", 0.3),
    Way("walks 6 % a week", "steady", 0.175, 0.06),
    Way("walks 12 % a week", "steady", 0.175, 0.12),
    Way("goes on", "trend", 0.35 / 3, 0.0, 0.03),
    Way("goes on, turns slowly", "trend", 0.35 / 3, 0.03, 0.03, 0.003),
    Way("goes on, turns", "trend", 0.35 / 3, 0.06, 0.03, 0.006),
)
"""Set on the worlds of tests/bench/_promises.py, seeds 100 to 105, and looked at with 2000 to 2002.

Less for none follows a drift sooner (.142 instead of .146 of the logarithm of a total) and raises
an alarm at 7 % more of the months in which nothing moves."""


@dataclass(frozen=True)
class Weeks:
    """Wins so far of each week's leads and how many were to be expected by now, newest first."""

    won: Floats
    expected: Floats

    @classmethod
    def of(cls, age: Floats, won: Floats, expected: Floats) -> Weeks:
        """Of leads with these ages in days, none below 0."""
        week = np.floor(age / WEEK).astype(int)
        by_week: list[Floats] = [np.bincount(week, each).astype(float) for each in (won, expected)]
        return cls(*by_week)


@dataclass(frozen=True)
class Forecast:
    """The logarithm of the coming month's level, by each way, and how likely the ways are."""

    means: Floats
    variances: Floats
    weights: Floats

    def share(self, choice: Choice) -> float:
        """How likely the ways of this kind are together."""
        return float(sum(self.weights[place] for place in _places(choice)))

    @cached_property
    def mean(self) -> float:
        """Of all ways, by their weights."""
        return float(self.weights @ self.means)

    @cached_property
    def variance(self) -> float:
        """Of the ways' own doubt and of what they differ by."""
        return float(self.weights @ (self.variances + self.means**2)) - self.mean**2


def _places(choice: Choice) -> list[int]:
    return [place for place, way in enumerate(WAYS) if way.choice == choice]


def forecast(weeks: Weeks) -> Forecast:
    """The level of the coming month by what is known of all weeks so far."""
    walk = _Walk()
    earned = np.log([way.prior for way in WAYS])
    last = len(weeks.won) - 1
    for ago in range(last, -1, -1):
        if ago < last:
            walk.step()
        if weeks.expected[ago] > 0:
            memory = 2 ** (-ago / MEMORY_WEEKS)
            earned += memory * walk.likelihood(weeks.won[ago], weeks.expected[ago])
            walk.learn(weeks.won[ago], weeks.expected[ago])
    weights = np.exp(earned - earned.max())
    return Forecast(*walk.ahead(HEADED), weights / weights.sum())


class _Walk:
    """Level and slope of every way: means, variances and covariance, one entry a way."""

    def __init__(self) -> None:
        self._walk = np.array([way.walk for way in WAYS]) ** 2
        self._turn = np.array([way.turn for way in WAYS]) ** 2
        self._level, self._slope = np.zeros(len(WAYS)), np.zeros(len(WAYS))
        moves = np.array([way.choice != "none" for way in WAYS])
        self._var_level = np.where(moves, FIRST_LEVEL**2, 0.0)
        self._var_slope = np.array([way.slope for way in WAYS]) ** 2
        self._both = np.zeros(len(WAYS))

    def step(self) -> None:
        """A week goes by."""
        self._level = self._level + self._slope
        self._var_level = self._var_level + 2 * self._both + self._var_slope + self._walk
        self._both = self._both + self._var_slope
        self._var_slope = self._var_slope + self._turn

    def likelihood(self, won: float, expected: float) -> Floats:
        """Logarithm of each way's chance of so many wins before it has seen them.

        Negative binomial: Poisson wins of a level that is known up to its variance and NOISE.
        """
        size = 1 / (self._var_level + NOISE**2)
        mean = expected * np.exp(np.clip(self._level + self._var_level / 2, -5, 5))
        chance: Floats = (
            gammaln(won + size)
            - gammaln(size)
            - gammaln(won + 1)
            + size * np.log(size / (size + mean))
            + won * np.log(mean / (size + mean))
        )
        return chance

    def learn(self, won: float, expected: float) -> None:
        """The most likely level after these wins, and the slope that goes with it."""
        before = self._var_level + NOISE**2
        week = self._level
        for _ in range(5):
            mean = expected * np.exp(np.clip(week, -5, 5))
            week = week + (won - mean - (week - self._level) / before) / (mean + 1 / before)
        mean = np.maximum(expected * np.exp(np.clip(week, -5, 5)), 1e-12)
        # what the wins say by themselves of the week, known up to 1 / mean
        said = week - self._level + (week - self._level) / (before * mean)
        gain = self._var_level / (before + 1 / mean)
        by_slope = self._both / (before + 1 / mean)
        self._level = self._level + gain * said
        self._slope = self._slope + by_slope * said
        self._var_slope = self._var_slope - by_slope * self._both
        self._both = (1 - gain) * self._both
        self._var_level = (1 - gain) * self._var_level

    def ahead(self, weeks: float) -> tuple[Floats, Floats]:
        """Mean and variance of the level so many weeks on."""
        variance = self._var_level + 2 * weeks * self._both + weeks**2 * self._var_slope
        walked = weeks * self._walk + weeks**3 / 3 * self._turn
        return self._level + weeks * self._slope, variance + walked
