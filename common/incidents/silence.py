"""Whether the last days of a series are quieter than chance, weekday and season make them.

What all of a property does together is its season: a definition that falls while visits stay is a
fault, one that falls with them is not, unless hardly any visit is left. Daily counts of shops vary
more than a Poisson's (promotions, weather), as a negative binomial's do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

SPANS = (1, 2, 3, 4, 5, 6, 7, 10, 14, 17, 21)
"""So many of the last days are judged together: few conversions a day need more of them."""
CHANCE = 0.0015
"""What chance alone would do more rarely is called. Simulated shops of eleven seasons and 2 to
2,000 orders a day are called wrongly once in twenty months at most (tests/materialize/shops.py)."""
OF_FEW = 0.0005
"""Where few are expected, and some of them came: chance leaves out a part of few in many ways, all
of them in one."""
HARDLY_ANY = 0.05
"""Of what is expected; so few are none at all, as one order that somebody tried."""
BACK = 0.75
"""Of what the last day lets expect: with so many of them what was quiet is over."""
DISPERSION = 16.0
"""Shape of the negative binomial of one day: days vary by a quarter beside what chance does."""
WEEK, WEEKS = 7, 4
"""The weeks before are the reference; fewer than two of them say nothing."""
ENOUGH = 50
"""Weeks are put together until they tell of so many conversions: a level is known by them."""
TOO_FEW = 3.0
"""Where fewer are expected nothing is ever missing."""
VISITS = 20
"""Fewer visits than these say nothing of traffic."""
AS_USUAL = 0.85
"""Traffic down to this share of its usual is usual."""
GONE = 0.15
"""Traffic below this share is gone: no season does that, and it excuses nothing."""


@dataclass(frozen=True)
class Silence:
    """The last days, what was seen in them, and what the weeks before let expect."""

    days: int
    seen: int
    usual: float
    traffic: float | None
    """Visits of these days as a share of their usual; None where too few are known."""


def silence(
    counts: Sequence[int], visits: Sequence[int], reach: int = max(SPANS)
) -> Silence | None:
    """The shortest span of at most `reach` last days that is too quiet, or None.

    `counts` and `visits` are of the same days, oldest first and the judged one last; visits are 0
    where nothing is known of them.
    """
    begun = next((day for day, count in enumerate(counts) if count), len(counts))
    for days in SPANS:
        if days > reach or len(counts) - begun - days < 2 * WEEK:
            return None
        found = _Span(counts[begun:], visits[begun:], days).silence
        if found:
            return found
    return None


@dataclass(frozen=True)
class _Level:
    """What one stretch of the weeks before lets expect of the last days."""

    known_by: int
    """Conversions of the stretch."""
    usual: float
    traffic: float | None
    excused: float
    """What the fall of traffic leaves of `usual`."""
    of_last_day: float
    """The last day's part of `excused`."""


@dataclass(frozen=True)
class _Span:
    """The last `days` of the series beside the weeks before them."""

    counts: Sequence[int]
    visits: Sequence[int]
    days: int

    @property
    def silence(self) -> Silence | None:
        seen = sum(self.counts[-self.days :])
        # each stretch may be a season: the one that expects least is believed
        level = min(self._levels(), key=lambda each: each.excused, default=None)
        if level is None or level.excused < TOO_FEW or seen >= self._share * level.excused:
            return None
        # a day on which less than one is expected tells nothing, such as a Sunday
        if level.of_last_day >= 1 and self.counts[-1] >= BACK * level.of_last_day:
            return None
        # how much days vary, and how well the level itself is known
        shape = 1 / (1 / (DISPERSION * self.days) + 1 / level.known_by)
        are_some_of_few = level.excused < ENOUGH and seen > HARDLY_ANY * level.excused
        if _at_most(seen, level.excused, shape) >= (OF_FEW if are_some_of_few else CHANCE):
            return None
        return Silence(self.days, seen, level.usual, level.traffic)

    @property
    def _share(self) -> float:
        """Of what is expected; above it a change of level is none to call for."""
        if self.days == 1:
            return 0.4
        return 0.6 if self.days <= WEEK else 0.25

    @cached_property
    def _weeks(self) -> list[range]:
        """The whole weeks before the span, the newest first."""
        end = len(self.counts) - self.days
        starts = range(end - WEEK, -1, -WEEK)
        return [range(start, start + WEEK) for start in starts][:WEEKS]

    def _levels(self) -> Iterator[_Level]:
        known, stretch = 0, 0
        visits, is_first = 0, True
        for week in self._weeks:
            known += sum(self.counts[day] for day in week)
            visits += sum(self.visits[day] for day in week)
            stretch += 1
            is_last = week is self._weeks[-1]
            # a rest that knows little adds nothing to what is known already
            if known >= ENOUGH or (is_last and (is_first or known >= ENOUGH / 2)):
                if known:
                    yield self._level(known, visits, stretch)
                known, visits, stretch, is_first = 0, 0, 0, False

    def _level(self, known: int, visits: int, weeks: int) -> _Level:
        usual = [known / weeks * share for share in self._shares(self.counts)]
        of_traffic = [visits / weeks * share for share in self._shares(self.visits)]
        last = self.visits[-self.days :]
        excused = [
            many * _left(here, there)
            for many, here, there in zip(usual, last, of_traffic, strict=True)
        ]
        expected = sum(of_traffic)
        traffic = sum(last) / expected if expected >= VISITS else None
        return _Level(known, sum(usual), traffic, sum(excused), excused[-1])

    def _shares(self, series: Sequence[int]) -> list[float]:
        """Of a week's sum, what falls on the weekday of each of the last days."""
        of_weekday = [0] * WEEK
        for week in self._weeks:
            for day in week:
                of_weekday[day % WEEK] += series[day]
        total = sum(of_weekday) or 1
        first = len(self.counts) - self.days
        return [of_weekday[(first + day) % WEEK] / total for day in range(self.days)]


def _left(visits: int, usual: float) -> float:
    """What share of conversions so many visits let expect: in a season rates fall with traffic."""
    if usual < VISITS or visits < GONE * usual:
        return 1.0
    return min(1.0, visits / (AS_USUAL * usual)) ** 2


def _at_most(seen: int, mean: float, shape: float) -> float:
    """How probable so few are, by a negative binomial of this mean and shape."""
    none = shape * math.log(shape / (shape + mean))
    each = math.log(mean / (shape + mean))
    # terms far below the last one add nothing
    return sum(
        math.exp(
            math.lgamma(many + shape) - math.lgamma(shape) - math.lgamma(many + 1)
            + none + many * each
        )
        for many in range(max(0, seen - 3000), seen + 1)
    )  # fmt: skip
