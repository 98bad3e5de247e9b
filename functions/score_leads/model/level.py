"""The level of predictions: whether recent leads are won more often than the model says.

Ways in which it may walk are judged on the customer's own weeks, each by those before it. Nothing
is corrected until what came has made it less likely that nothing moves; every correction is
bounded, and what the ways differ by widens the interval of a promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from functions.score_leads.data.features import Index
from functions.score_leads.data.outcomes import Arrival, Outcomes, arrival
from functions.score_leads.data.values import Floats
from functions.score_leads.model.drift import WAYS, Choice, Forecast, Weeks, forecast
from functions.score_leads.numeric.log_odds import probability, shift_to

MOST_SHIFT = 0.9
"""Log-odds that all leads may be moved by at most, and the bound of every factor's logarithm."""

UNDECIDED = next(way.prior for way in WAYS if way.choice == "none")
"""Without a correction until what came has made it less likely that nothing moves.

Where nothing moves, hardly any month is corrected then; at half of all chances the error rose there
from .059 of a total's logarithm to .065. To drop a correction that did worse than none in its own
past months was tried and harms.
"""

STEP_DAYS, MOST_DAYS, COMING_DAYS, WARM_UP_DAYS = 30, 300, 30.0, 60.0
# measured: at 300 leads every correction does worse than none (.114 of the logarithm of a total)
LEAST_LEADS, LEAST_WINS, LEAST_MATURE_WINS, LEAST_EXPECTED = 60, 10, 50, 5.0
SPREAD_MEMORY_DAYS = 60.0
"""Half-life of what a replay says of how far totals stray, and to which side."""

ASTRAY_MONTHS, ASTRAY, ASTRAY_Z = 3, 0.1, 2.5
"""Months that are off together by a tenth and beyond chance, 1 in 80 where nothing changes."""

MOVING: tuple[Choice, ...] = ("steady", "trend", "season")

YOUNG_DAYS = 60.0
MOVED = 0.25
"""Population stability index above which delays count as changed."""

CONFIDENCE_80 = 1.28
USUAL_SPREAD = 0.12
"""Standard deviation of the logarithm of a total, beyond chance, in a business that goes on."""


@dataclass(frozen=True)
class Weighed:
    """What one way to walk says, and how likely it is."""

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

    @property
    def gap(self) -> float:
        """Logarithm of what came to what was promised."""
        return float(np.log((self.came + 0.5) / (self.promised + 0.5)))

    @property
    def memory(self) -> float:
        """What is left of what it says, from 1 for the newest month on."""
        return float(2 ** (-(self.days_ago - COMING_DAYS) / SPREAD_MEMORY_DAYS))


@dataclass(frozen=True)
class Level:
    """Shift of all log-odds toward what leads do by now."""

    overall: float
    """What is added to every lead's log-odds."""
    factor: float
    """How many times as many wins are expected of all leads as without the shift."""
    choice: Choice
    note: str
    ways: tuple[Weighed, ...] = ()
    replays: tuple[Replay, ...] = ()
    bounded: bool = False
    """Whether the shift ran into MOST_SHIFT."""
    spread: float = USUAL_SPREAD
    """Standard deviation of the logarithm of a total, chance left out."""
    leans: tuple[float, float] = (0.0, 0.0)
    """Logarithms of what may come to what is promised, least and most, before any doubt: 0, what a
    correction that is not made says, and that with the last months' misses."""
    learnt_from: float = np.inf
    """Mature wins, by whose number the rates are known."""

    @property
    def moves(self) -> bool:
        """Whether rates are likelier to move than not."""
        return self.choice != "none"

    @property
    def missed(self) -> Replay | None:
        """The newest month when far more or fewer wins came of it than chance allows.

        A step looks like this for weeks, in which nothing tells it from luck: a person is informed
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
        by_chance = (1 + money_spread) * (1 / max(wins, 0.5) + 1 / max(self.learnt_from, 0.5))
        width = CONFIDENCE_80 * float(np.sqrt(by_chance + self.spread**2))
        least, most = self.leans
        return float(np.exp(least - width)), float(np.exp(most + width))


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
        return Level(0.0, 1.0, "none", f"only {mature_wins} mature wins", learnt_from=mature_wins)
    past = Past(outcomes, logits)
    now = past.seen(0)
    # late wins would read as fewer wins: on deals whose delays moved a level took the error from
    # .206 to .320
    delayed = "wins arrive at other delays than they used to" * (delays_moved(outcomes) > MOVED)
    made = 0.0 if delayed else now.log_factor
    overall, factor = past.shift(made)
    return Level(
        overall,
        factor,
        "none" if delayed else now.choice,
        delayed or now.note,
        now.ways,
        tuple(replay for replay, _ in past.replayed),
        abs(overall) >= MOST_SHIFT - 1e-6,
        float(np.sqrt(now.variance * _stray(past.replayed))),
        _leans(now.likeliest - made, past.replayed),
        mature_wins,
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
        """What was known so many days ago, probabilities brought to the wins of an earlier time."""
        first = int(np.searchsorted(self.age, days_ago))
        age = self.age[first:] - days_ago
        won = (self.won_after[first:] <= age).astype(float)
        arrived = self.arrival.by(age)
        z = self.z[first:]
        # today's model with its sum brought to the wins of then, in place of a model a replay: the
        # order of leads looks ahead a little, the level does not
        centre = shift_to(float(won.sum()), z, arrived) if days_ago else 0.0
        expected = probability(z + centre) * arrived
        is_enough = len(age) >= LEAST_LEADS and won.sum() >= LEAST_WINS
        return Seen(centre, forecast(Weeks.of(age, won, expected)) if is_enough else None)

    @cached_property
    def replayed(self) -> list[tuple[Replay, float]]:
        """Months as they would have been promised, newest first, and each promise's variance."""
        times = range(STEP_DAYS, int(min(MOST_DAYS, self.age[-1] - WARM_UP_DAYS)) + 1, STEP_DAYS)
        found = ((days_ago, self.seen(days_ago)) for days_ago in times)
        return [self._replay(days_ago, then) for days_ago, then in found if then.forecast]

    def _replay(self, days_ago: int, then: Seen) -> tuple[Replay, float]:
        expected, came, all_of_them = self.coming(days_ago, then.centre)
        promised = expected * float(np.exp(then.log_factor))
        matured = expected / max(all_of_them, 1e-12)
        return Replay(days_ago, promised, expected, came, matured), then.variance

    def coming(self, days_ago: float, centre: float) -> tuple[float, int, float]:
        """Of the leads of the month after, wins expected and come by now.

        Last the wins expected once all of them are mature.
        """
        last = int(np.searchsorted(self.age, days_ago))
        first = int(np.searchsorted(self.age, days_ago - COMING_DAYS))
        age = self.age[first:last]
        chance = probability(self.z[first:last] + centre)
        expected = float(np.sum(chance * self.arrival.by(age)))
        return expected, int((self.won_after[first:last] <= age).sum()), float(chance.sum())

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
        # no shift multiplies chances of .8 by 1.3: the search would run to its own bound, far
        # beyond this one
        overall = float(np.clip(wanted, -MOST_SHIFT, MOST_SHIFT))
        after = float(np.sum(probability(z + overall) * arrived))
        return overall, after / max(before, 1e-12)


@dataclass(frozen=True)
class Seen:
    """What was known at one time."""

    centre: float
    """Log-odds that bring the probabilities to the wins of that time."""
    forecast: Forecast | None
    """None while too little was known."""

    @property
    def choice(self) -> Choice:
        """None until what came speaks against it, else the likeliest kind of movement."""
        if self.forecast is None or self.forecast.share("none") >= UNDECIDED:
            return "none"
        return max(MOVING, key=self.forecast.share)

    @property
    def log_factor(self) -> float:
        """Logarithm of what promises are multiplied by: of the ways that move, once they do."""
        if self.forecast is None or self.choice == "none":
            return 0.0
        return _bounded(self.forecast.moved)

    @property
    def variance(self) -> float:
        """Of the logarithm of a total, chance left out."""
        known = self.forecast.variance if self.forecast else 0.0
        return max(known, USUAL_SPREAD**2)

    @property
    def likeliest(self) -> float:
        """Logarithm of what promises would be multiplied by if all ways had their say."""
        return 0.0 if self.forecast is None else _bounded(self.forecast.mean)

    @property
    def note(self) -> str:
        """How likely it is that nothing moves, in words."""
        if self.forecast is None:
            return f"fewer than {LEAST_LEADS} leads or {LEAST_WINS} wins"
        return f"that nothing moves has a chance of {self.forecast.share('none'):.0%}"

    @property
    def ways(self) -> tuple[Weighed, ...]:
        """What each way says of the coming month."""
        if self.forecast is None:
            return ()
        found = zip(WAYS, self.forecast.means, self.forecast.weights, strict=True)
        return tuple(Weighed(way.name, float(mean), float(weight)) for way, mean, weight in found)


def _bounded(log_factor: float) -> float:
    return float(np.clip(log_factor, -MOST_SHIFT, MOST_SHIFT))


def _stray(replayed: list[tuple[Replay, float]]) -> float:
    """By what the variance grows for the months that strayed further than it says; 1 at least."""
    strayed = weights = 3.0
    for month, variance in _judging(replayed):
        weight = month.memory
        strayed += weight * month.gap**2 / (variance + 1 / (month.promised + 0.5))
        weights += weight
    return max(strayed / weights, 1.0)


def _leans(omitted: float, replayed: list[tuple[Replay, float]]) -> tuple[float, float]:
    """Where a total may come out: as promised, as not corrected, or as far off as the last months.

    A drift shows in months that missed to one side long before a correction has earned its weight;
    an interval about the promise alone held 67 of 100 months of such drifts, and this one 80.
    """
    gaps, weights = 0.0, 1 / USUAL_SPREAD**2
    for month, _ in _judging(replayed):
        weight = month.memory / (USUAL_SPREAD**2 + 1 / (month.promised + 0.5))
        gaps += weight * month.gap
        weights += weight
    further = omitted + gaps / weights
    return min(0.0, omitted, further), max(0.0, omitted, further)


def _judging(replayed: list[tuple[Replay, float]]) -> list[tuple[Replay, float]]:
    """The months of which enough was due to tell how far they strayed."""
    return [each for each in replayed if each[0].uncorrected >= LEAST_EXPECTED]


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
