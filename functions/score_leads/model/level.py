"""The level of predictions: whether recent leads are won more often than the model says.

Ways to measure it are replayed on the customer's own past, each on leads that came afterwards. A
way gets weight that it earned there, and the shift that comes of it is bounded. While no correction
has won clearly there is none: where rates turn, a correction does more harm than good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.special import gammaln

from functions.score_leads.data.features import Index
from functions.score_leads.data.outcomes import Arrival, Outcomes, arrival
from functions.score_leads.data.values import Floats
from functions.score_leads.model.encoding import probability, shift_to

Choice = Literal["none", "steady", "trend"]

MOST_SHIFT = 0.9
"""Log-odds that all leads may be moved by at most, and the bound of every way's factor."""

HALF_LIVES, TRENDS = (180.0, 90.0, 45.0, 25.0), (60.0, 120.0)
NONE_PRIOR = 0.4
PRIOR_WINS = 10.0
AHEAD_DAYS = 15.0
"""From today to the middle of the coming month, to which a trend is continued."""

STEP_DAYS, MOST_DAYS, COMING_DAYS, WARM_UP_DAYS = 15, 300, 30.0, 60.0
LEAST_LEADS, LEAST_WINS, LEAST_MATURE_WINS = 60, 10, 50
MEMORY_DAYS, CHOICE_MEMORY_DAYS, SPREAD_MEMORY_DAYS = 120.0, 60.0, 60.0
"""Half-lives of what a replay says of a way, of whether to correct at all, and of how far totals
stray."""

ASTRAY_MONTHS, ASTRAY, ASTRAY_Z = 3, 0.1, 2.5
"""Months that are off together by a tenth and beyond chance, 1 in 80 where nothing changes."""

LATELY_DAYS = 45

DISPERSION = 400.0
CLEAR_GAIN = 0.5
"""Log-likelihood that a correction must have gained on none before it is used.

Set on the worlds of tests/bench/_promises.py with seeds 100 to 109, then lowered after a look at
seeds 2000 to 2006: there, in one-way drift, nearly half of the error goes, and where rates turn .04
to .09 in the logarithm of the total is lost."""

MIXES: tuple[Choice, Choice] = ("steady", "trend")

YOUNG_DAYS = 60.0
MOVED = 0.25
"""Population stability index above which delays count as changed."""

CONFIDENCE_80 = 1.28
USUAL_SPREAD = 0.1
"""Standard deviation of the logarithm of a total, beyond chance, in a business that goes on."""


@dataclass(frozen=True)
class Way:
    """One way to measure the level."""

    name: str
    log_factor: float
    weight: float


@dataclass(frozen=True)
class Replay:
    """A month of leads, promised by what was known before the first of them came."""

    days_ago: int
    promised: float
    """Wins by now, by the chosen correction."""
    uncorrected: float
    came: int
    matured: float
    """Share of the promise that is due by now."""


@dataclass(frozen=True)
class Level:
    """Shift of all log-odds toward what leads do by now."""

    overall: float
    """What is added to every lead's log-odds."""
    factor: float
    """How many times as many wins are expected of all leads as without the shift."""
    choice: Choice
    note: str
    ways: tuple[Way, ...] = ()
    replays: tuple[Replay, ...] = ()
    bounded: bool = False
    """Whether the shift ran into MOST_SHIFT."""
    spread: float = USUAL_SPREAD
    """Standard deviation of the logarithm of a total, chance left out."""

    @property
    def missed(self) -> Replay | None:
        """The newest month when far more or fewer wins came of it than chance allows.

        A step looks like this for weeks, in which nothing tells it from luck: a person is told
        instead.
        """
        newest = next((each for each in self.replays if each.days_ago == COMING_DAYS), None)
        if newest is None:
            return None
        # the spread itself grows with the newest miss
        strays = newest.promised + (USUAL_SPREAD * newest.promised) ** 2
        return newest if abs(newest.came - newest.promised) > 3 * np.sqrt(strays) else None

    @property
    def astray(self) -> tuple[float, int] | None:
        """Wins promised and come of the last months, when they are off together; None otherwise.

        A slow drift never shows in one month, and is three months old before it does in three.
        """
        last = [each for each in self.replays if each.days_ago <= ASTRAY_MONTHS * COMING_DAYS]
        promised, came = sum(each.promised for each in last), sum(each.came for each in last)
        if not promised or abs(np.log((came + 0.5) / (promised + 0.5))) <= ASTRAY:
            return None
        return (promised, came) if abs(came - promised) > ASTRAY_Z * np.sqrt(promised) else None

    def interval(self, wins: float, money_spread: float = 0.0) -> tuple[float, float]:
        """By which factors a promised total may come out at 80 %, of so many promised wins.

        `money_spread` is the variance of a win's money over its squared mean; 0 for wins.
        """
        by_chance = (1 + money_spread) / max(wins, 0.5)
        width = CONFIDENCE_80 * float(np.sqrt(by_chance + self.spread**2))
        return float(np.exp(-width)), float(np.exp(width))


UNMOVED = Level(0.0, 1.0, "none", "every outcome is final")


def level(outcomes: Outcomes, logits: Floats) -> Level:
    """The level of these leads, whose log-odds are given as if they were new.

    No correction while fewer than LEAST_MATURE_WINS mature wins are known, or when wins come at
    other delays than they used to: then nobody can say how many young wins are still to come.
    """
    if not np.isfinite(outcomes.window) or outcomes.is_known.all():
        return UNMOVED
    mature_wins = int((outcomes.mature & outcomes.won).sum())
    if mature_wins < LEAST_MATURE_WINS:
        return Level(0.0, 1.0, "none", f"only {mature_wins} mature wins")
    if delays_moved(outcomes) > MOVED:
        return Level(0.0, 1.0, "none", "wins arrive at other delays than they used to")
    past = Past(outcomes, logits)
    replayed = Replayed(past)
    choice, note = replayed.choice
    log_factor, ways = replayed.mixed(choice)
    overall, factor = past.shift(log_factor)
    return Level(
        overall,
        factor,
        choice,
        note,
        ways,
        replayed.shown(choice),
        abs(overall) >= MOST_SHIFT - 1e-6,
        replayed.spread(choice),
    )


@dataclass(frozen=True)
class Past:
    """Leads with an age, youngest first."""

    outcomes: Outcomes
    logits: Floats

    @cached_property
    def order(self) -> Index:
        """Rows of the leads whose age is known, youngest first."""
        age = self.outcomes.age
        there: Index = np.argsort(age, kind="stable")
        return there[np.searchsorted(age[there], 0) :]

    @cached_property
    def age(self) -> Floats:
        """Their ages, in days, ascending."""
        age: Floats = self.outcomes.age[self.order]
        return age

    @cached_property
    def z(self) -> Floats:
        """Their log-odds, in the same order."""
        z: Floats = self.logits[self.order]
        return z

    @cached_property
    def won_after(self) -> Floats:
        """Days to a win inside the window; infinite without one."""
        won, after = self.outcomes.won[self.order], self.outcomes.won_after[self.order]
        return np.where(won, after, np.inf)

    @cached_property
    def arrival(self) -> Arrival:
        """How wins arrive by age."""
        return arrival(self.outcomes.won_after, self.outcomes.age, self.outcomes.window)

    def seen(self, days_ago: float) -> Seen:
        """What was known so many days ago, the probabilities brought to the wins of that time."""
        first = int(np.searchsorted(self.age, days_ago))
        age = self.age[first:] - days_ago
        won = (self.won_after[first:] <= age).astype(float)
        arrived = self.arrival.by(age)
        z = self.z[first:]
        centre = shift_to(float(won.sum()), z, arrived)
        return Seen(age, probability(z + centre) * arrived, won, centre)

    def coming(self, days_ago: float, now: float, centre: float) -> tuple[float, float, float]:
        """Of the leads of the month after, wins expected and come, as known `now` days ago.

        Last the wins expected once all of them are mature.
        """
        last = int(np.searchsorted(self.age, days_ago))
        first = int(np.searchsorted(self.age, max(days_ago - COMING_DAYS, now)))
        age = self.age[first:last] - now
        chance = probability(self.z[first:last] + centre)
        expected = float(np.sum(chance * self.arrival.by(age)))
        return expected, float((self.won_after[first:last] <= age).sum()), float(chance.sum())

    def shift(self, log_factor: float) -> tuple[float, float]:
        """The bounded shift that multiplies young leads' wins so, and the factor that it reaches.

        A factor of the odds would move likely wins less than it says.
        """
        if not log_factor:
            return 0.0, 1.0
        young = self.age < YOUNG_DAYS
        young = young if young.any() else np.ones(len(young), bool)
        z, arrived = self.z[young], self.arrival.by(self.age[young])
        before = float(np.sum(probability(z) * arrived))
        wanted = shift_to(float(np.exp(log_factor)) * before, z, arrived)
        overall = float(np.clip(wanted, -MOST_SHIFT, MOST_SHIFT))
        after = float(np.sum(probability(z + overall) * arrived))
        return overall, after / max(before, 1e-12)


@dataclass(frozen=True)
class Seen:
    """Leads at one time in the past."""

    age: Floats
    expected: Floats
    """Wins to be expected of each lead by then."""
    won: Floats
    centre: float

    @property
    def is_enough(self) -> bool:
        """Whether a level can be judged by it at all."""
        return len(self.age) >= LEAST_LEADS and self.won.sum() >= LEAST_WINS

    @cached_property
    def log_factors(self) -> Mapping[str, float]:
        """What each way says, by its name."""
        steady = {
            f"level {days:.0f} d": _steady(self.age, self.expected, self.won, days)
            for days in HALF_LIVES
        }
        trends = {
            f"trend {days:.0f} d": _trend(self.age, self.expected, self.won, days)
            for days in TRENDS
        }
        every = {"none": 0.0, **steady, **trends}
        return {name: float(np.clip(f, -MOST_SHIFT, MOST_SHIFT)) for name, f in every.items()}


def _steady(age: Floats, expected: Floats, won: Floats, half_life: float) -> float:
    weight = 2 ** (-age / half_life)
    so_far, due = float(np.sum(weight * won)), float(np.sum(weight * expected))
    return float(np.log((so_far + PRIOR_WINS) / (due + PRIOR_WINS)))


def _trend(age: Floats, expected: Floats, won: Floats, half_life: float) -> float:
    """Poisson regression of weekly wins on time, continued to the middle of the coming month."""
    week = np.floor(age / 7).astype(int)
    due, so_far = np.bincount(week, expected), np.bincount(week, won)
    time = -(7 * np.arange(len(due)) + 3.5)
    weight = 2 ** (time / half_life)
    base, slope = 0.0, 0.0
    precision = np.array([1 / 0.5**2, 1 / 0.004**2])
    for _ in range(15):
        mean = due * np.exp(np.clip(base + slope * time, -5, 5))
        gap = weight * (so_far - mean)
        gradient = np.array([gap.sum(), (gap * time).sum()]) - precision * [base, slope]
        curve = weight * mean
        mixed = (curve * time).sum()
        curvature = np.array([[curve.sum(), mixed], [mixed, (curve * time**2).sum()]])
        step = np.linalg.solve(curvature + np.diag(precision), gradient)
        base, slope = base + step[0], slope + step[1]
        if np.abs(step * [1, AHEAD_DAYS]).max() < 1e-6:
            break
    return base + AHEAD_DAYS * slope


class Replayed:
    """What every way would have promised at earlier times, and what came."""

    def __init__(self, past: Past) -> None:
        self._past = past
        span = float(past.age[-1])
        times = range(STEP_DAYS, int(min(MOST_DAYS, span - WARM_UP_DAYS)) + 1, STEP_DAYS)
        at = {days_ago: past.seen(days_ago) for days_ago in times}
        self._at = {days_ago: seen for days_ago, seen in at.items() if seen.is_enough}
        self._now = past.seen(0)

    @cached_property
    def choice(self) -> tuple[Choice, str]:
        """The mix that gained most on no correction, if clearly and lately as well; and why."""
        gains = {mix: self._gains(mix) for mix in MIXES}
        best = max(MIXES, key=lambda mix: sum(gains[mix].values()))
        gained = sum(gains[best].values())
        said = f"{best} would have gained {gained:+.1f} in log-likelihood on no correction"
        able = [
            mix
            for mix in MIXES
            if sum(gains[mix].values()) >= CLEAR_GAIN
            and sum(gain for days_ago, gain in gains[mix].items() if days_ago <= LATELY_DAYS) > 0
        ]
        if not able:
            return "none", f"not earned: {said}"
        return max(able, key=lambda mix: sum(gains[mix].values())), said

    def _gains(self, mix: Choice) -> dict[int, float]:
        """What the mix would have gained on no correction at each time."""
        gains = {}
        for days_ago, seen in self._at.items():
            expected, came, _ = self._past.coming(days_ago, 0, seen.centre)
            corrected = _likelihood(came, expected * np.exp(self._then(mix, days_ago)))
            gained = float(corrected - _likelihood(came, expected))
            gains[days_ago] = _memory(days_ago, 0, CHOICE_MEMORY_DAYS) * gained
        return gains

    def mixed(self, choice: Choice) -> tuple[float, tuple[Way, ...]]:
        """The logarithm of the factor by the chosen ways, and what each says now."""
        weights = self._weights(choice, 0)
        factors = self._now.log_factors
        ways = tuple(Way(name, factors[name], weight) for name, weight in weights.items())
        return sum(way.weight * way.log_factor for way in ways), ways

    def shown(self, choice: Choice) -> tuple[Replay, ...]:
        """The replays a month apart, newest first, as the chosen mix would have promised."""
        return tuple(self._replay(choice, days_ago) for days_ago in self._at if days_ago % 30 == 0)

    def spread(self, choice: Choice) -> float:
        """How far totals strayed in the replays beyond chance; a tenth at least, as the prior.

        What strayed lately weighs more: where rates keep falling, each month misses by more.
        """
        shown = self.shown(choice)
        gap = np.array([np.log((each.came + 0.5) / (each.promised + 0.5)) for each in shown])
        promised = np.array([each.promised for each in shown])
        lately = np.array(
            [_memory(each.days_ago, int(COMING_DAYS), SPREAD_MEMORY_DAYS) for each in shown]
        )
        weight = lately * promised / (promised + 5)
        beyond = float(np.sum(weight * (gap**2 - 1 / (promised + 0.5))))
        mixed = (beyond + 3 * USUAL_SPREAD**2) / (float(weight.sum()) + 3)
        return float(np.sqrt(max(USUAL_SPREAD**2, mixed)))

    def _replay(self, choice: Choice, days_ago: int) -> Replay:
        expected, came, all_of_them = self._past.coming(days_ago, 0, self._at[days_ago].centre)
        factor = float(np.exp(self._then(choice, days_ago)))
        matured = expected / max(all_of_them, 1e-12)
        return Replay(days_ago, expected * factor, expected, int(came), matured)

    def _then(self, choice: Choice, days_ago: int) -> float:
        """The mix of that time, weighted by what was known then."""
        factors = self._at[days_ago].log_factors
        weights = self._weights(choice, days_ago)
        return sum(weight * factors[name] for name, weight in weights.items())

    def _weights(self, choice: Choice, now: int) -> dict[str, float]:
        names = _names(choice)
        score = np.zeros(len(names))
        for days_ago, seen in self._at.items():
            if days_ago <= now:
                continue
            expected, came, _ = self._past.coming(days_ago, now, seen.centre)
            factors = np.exp([seen.log_factors[name] for name in names])
            score += _memory(days_ago, now) * _likelihood(came, expected * factors)
        share = (1 - NONE_PRIOR) / max(len(names) - 1, 1)
        prior = np.array([NONE_PRIOR if name == "none" else share for name in names])
        weights = prior * np.exp(score - score.max())
        return dict(zip(names, (weights / weights.sum()).tolist(), strict=True))


def _names(choice: Choice) -> Sequence[str]:
    steady = [f"level {days:.0f} d" for days in HALF_LIVES] if choice != "none" else []
    trends = [f"trend {days:.0f} d" for days in TRENDS] if choice == "trend" else []
    return ["none", *steady, *trends]


def _memory(days_ago: int, now: int, half_life: float = MEMORY_DAYS) -> float:
    """Weight of a replay: half as much for each half-life, and replays overlap by half."""
    return float(2 ** (-(days_ago - now - STEP_DAYS) / half_life)) * STEP_DAYS / COMING_DAYS


def _likelihood(came: float, expected: Floats | float) -> Floats:
    """Log-likelihood of so many wins: negative binomial, nearly Poisson."""
    mean = np.maximum(expected, 1e-9)
    gained: Floats = (
        gammaln(came + DISPERSION)
        - gammaln(DISPERSION)
        - gammaln(came + 1)
        + DISPERSION * np.log(DISPERSION / (DISPERSION + mean))
        + came * np.log(mean / (DISPERSION + mean))
    )
    return gained


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
