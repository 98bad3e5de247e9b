"""How the level of wins walks from week to week, and where it will be in the coming month.

Each way is a dynamic Poisson model of weekly wins: the logarithm of wins to expected wins stays at
nothing, walks (local level), walks with a slope that walks as well (local linear trend), or swings
with a part of the year. Every week is predicted from the weeks before it alone, so a way's weight
is what it has earned forward in time. Sources: West & Harrison (1997), Bayesian Forecasting and
Dynamic Models, chapter 14, for the filter and chapter 8 for seasons as harmonics; Gardner &
McKenzie (1985), doi.org/10.1287/mnsc.31.10.1237, for slopes that fade; Raftery, Karny & Ettler
(2010), doi.org/10.1198/TECH.2009.08104, for weights that forget.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.special import gammaln

from functions.score_leads.data.values import Floats

Choice = Literal["none", "steady", "trend", "season"]

WEEK = 7.0
MEMORY_WEEKS = 90 / WEEK
"""Half-life of what a week says for or against a way."""

FIRST_LEVEL = 0.3
"""Standard deviation of the oldest week's level, unless a way knows none."""
NOISE = 0.05
"""Standard deviation of a week's level on its own, as of holidays and of who happens to be away:
with thousands of wins a week it is no walk."""
SWING = 0.2
"""Standard deviation of the two amplitudes that a season begins with."""
YEAR, MONTH = 365.25 / WEEK, 30 / WEEK
HEADED = 3.5 / WEEK + MONTH / 2
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
    lasting: float = 1.0
    """Share of the slope that a week leaves."""
    a_year: int = 0
    """Swings a year."""


WAYS = (
    Way("none", "none", 0.3),
    Way("walks 6 % a week", "steady", 0.12, 0.06),
    Way("walks 12 % a week", "steady", 0.12, 0.12),
    Way("goes on", "trend", 0.08, slope=0.03),
    Way("goes on, turns slowly", "trend", 0.08, 0.03, slope=0.03, turn=0.003, lasting=0.97),
    Way("goes on, turns", "trend", 0.08, 0.06, slope=0.03, turn=0.006, lasting=0.94),
    Way("season of a year", "season", 0.044, a_year=1),
    Way("season of half a year", "season", 0.044, a_year=2),
    Way("season of four months", "season", 0.044, a_year=3),
    Way("season of a quarter", "season", 0.044, a_year=4),
    Way("season of two months", "season", 0.044, a_year=6),
)
"""Set on worlds of tests/bench/_promises.py, seeds 100 to 105, and looked at with 5000 to 5003.

Seasons take the error in worlds that have them from .17 of a total's logarithm without a correction
to .11; walks and slopes alone took it to .21. Slopes that do not fade overshoot where rates turn.
"""


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
    def moved(self) -> float:
        """The mean of the ways that move."""
        moves = np.array([way.choice != "none" for way in WAYS])
        return float(np.average(self.means[moves], weights=self.weights[moves]))

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


SEEN = np.array([1.0, 0.0, 1.0, 0.0])
"""What a week shows of level, slope and both parts of a swing: level and swing together."""


class _Walk:
    """The state of every way, level, slope and both parts of a swing: means and covariances."""

    def __init__(self) -> None:
        ways = len(WAYS)
        moves = np.array([way.choice != "none" for way in WAYS])
        self._mean = np.zeros((ways, 4))
        self._cov = np.zeros((ways, 4, 4))
        self._cov[:, 0, 0] = np.where(moves, FIRST_LEVEL**2, 0.0)
        self._cov[:, 1, 1] = _each("slope") ** 2
        self._cov[:, 2, 2] = self._cov[:, 3, 3] = np.where(_each("a_year") > 0, SWING**2, 0.0)
        self._walked = np.zeros((ways, 4, 4))
        self._walked[:, 0, 0] = _each("walk") ** 2
        self._walked[:, 1, 1] = _each("turn") ** 2
        self._week = _passing(1.0)

    def step(self) -> None:
        """A week goes by."""
        self._mean = (self._week @ self._mean[:, :, None])[:, :, 0]
        self._cov = self._week @ self._cov @ self._week.transpose(0, 2, 1) + self._walked

    def likelihood(self, won: float, expected: float) -> Floats:
        """Logarithm of each way's chance of so many wins before it has seen them.

        Negative binomial: Poisson wins of a level that is known up to its variance and NOISE.
        """
        level, variance = self._mean @ SEEN, self._cov @ SEEN @ SEEN
        size = 1 / (variance + NOISE**2)
        mean = expected * np.exp(np.clip(level + variance / 2, -5, 5))
        chance: Floats = (
            gammaln(won + size)
            - gammaln(size)
            - gammaln(won + 1)
            + size * np.log(size / (size + mean))
            + won * np.log(mean / (size + mean))
        )
        return chance

    def learn(self, won: float, expected: float) -> None:
        """The most likely level after these wins, and the slope and swing that go with it."""
        level, shared = self._mean @ SEEN, self._cov @ SEEN
        before = shared @ SEEN + NOISE**2
        week = level
        for _ in range(5):
            mean = expected * np.exp(np.clip(week, -5, 5))
            week = week + (won - mean - (week - level) / before) / (mean + 1 / before)
        mean = np.maximum(expected * np.exp(np.clip(week, -5, 5)), 1e-12)
        # what the wins say by themselves of the week, known up to 1 / mean
        said = week - level + (week - level) / (before * mean)
        gain = shared / (before + 1 / mean)[:, None]
        self._mean = self._mean + gain * said[:, None]
        self._cov = self._cov - gain[:, :, None] * shared[:, None, :]

    def ahead(self, weeks: float) -> tuple[Floats, Floats]:
        """Mean and variance of the level so many weeks on, a month's mean of the swing."""
        angle = _angle() * MONTH / 2
        shown = np.tile(SEEN, (len(WAYS), 1))
        # the mean of a cosine over the month is sin(x) / x of the one in its middle
        shown[:, 2] = np.sinc(angle / np.pi)
        shown = (shown[:, None, :] @ _passing(weeks))[:, 0]
        variance = (shown[:, None, :] @ self._cov @ shown[:, :, None])[:, 0, 0]
        walked = weeks * self._walked[:, 0, 0] + weeks**3 / 3 * self._walked[:, 1, 1]
        return (shown * self._mean).sum(axis=1), variance + walked


def _each(field: str) -> Floats:
    return np.array([getattr(way, field) for way in WAYS], dtype=float)


def _angle() -> Floats:
    """By which each way's swing turns in a week."""
    return 2 * np.pi / YEAR * _each("a_year")


def _passing(weeks: float) -> Floats:
    """What becomes of each way's state in so many weeks, one matrix a way."""
    passing = np.zeros((len(WAYS), 4, 4))
    lasting = _each("lasting")
    fades = np.where(lasting < 1, lasting, 0.0)
    passing[:, 0, 0] = 1
    passing[:, 0, 1] = np.where(lasting < 1, (1 - fades**weeks) / (1 - fades), weeks)
    passing[:, 1, 1] = lasting**weeks
    passing[:, 2, 2] = passing[:, 3, 3] = np.cos(_angle() * weeks)
    passing[:, 2, 3] = np.sin(_angle() * weeks)
    passing[:, 3, 2] = -passing[:, 2, 3]
    return passing
