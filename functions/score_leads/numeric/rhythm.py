"""Customers who order again until they stop: how many of them will, and how much, by their past.

Where leads are customers, what became of earlier looks at them promises too much: meanwhile some
have stopped for good, and of those who wait longer than anybody did before no example is known.
Their own past says both. Orders of a customer come at random at a rate of their own, and after each
the customer may stop. Sources: Fader, Hardie & Lee (2005), doi.org/10.1287/mksc.1040.0098 (BG/NBD);
Batislam, Denizel & Filiztekin (2007), doi.org/10.1016/j.ijresmar.2006.12.005 (a customer may stop
after the first order as well); Fader, Hardie & Lee (2005), doi.org/10.1509/jmkr.2005.42.4.415
(gamma-gamma, the money of an order).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from functions.score_leads.data.attributes import rank_correlation
from functions.score_leads.data.features import Features
from functions.score_leads.data.outcomes import Outcomes
from functions.score_leads.data.values import Floats
from functions.score_leads.numeric.log_odds import log_odds
from functions.score_leads.numeric.metrics import area_under_curve

LOGS = (-15.0, 15.0)
"""Between which logarithms of the parameters are looked for; CDNOW's lie within 2 (Fader, Hardie
and Lee, 2005)."""
LEARNT, LOOKED_AT = 10_000, 1_000
"""The newest leads that the past is read of, and those that tell which columns speak of it."""

LEAST_AGAIN, LEAST_WINS, LEAST_AREA, MOST_OFF = 100, 50, 0.65, 1.25
"""Customers who ordered again, wins, and how well and how nearly these have to be told by the past.

Visits and mails come in a rhythm as well, and it says nothing of wins.
"""

LEAST_CORRELATION, TRIED = 0.3, 3
"""Rank correlation of what was paid for an order with what comes, and columns tried."""

HALF_WINDOWS = 3.0
"""Windows that a customer's past is long, at the median, where it says half of the log-odds.

Short pasts show nobody who stops. Totals of CDNOW's money at five dates, each from one look, stray
by .093 of their logarithm so, and by .107 where it says half at all of them.
"""

SAME_DAY = 0.8
"""Of customers with several orders, at least so many have them on several days."""

MOST_ODDS = 50.0
"""Logarithm of the odds beyond which nothing changes any more."""

WEEK = 7.0


class Columns(NamedTuple):
    """Attributes that together tell when a customer ordered."""

    orders: str
    first: str
    """Days since the first order."""
    last: str
    """Days since the last order, or from the first to the last."""
    is_since: bool
    """Whether `last` counts from the last order on."""
    least: float
    """Orders of a customer who never ordered again: 1, or 0 where repeats are counted."""


class Past(NamedTuple):
    """Of each customer, times in weeks."""

    again: Floats
    """Orders after the first."""
    last: Floats
    """From the first order to the last."""
    age: Floats
    """From the first order on."""


@dataclass(frozen=True)
class Rhythm:
    """What the past of customers says of each."""

    columns: Columns
    rate: tuple[float, float]
    """Shape and rate of the gamma distribution of customers' orders a week."""
    stop: tuple[float, float]
    """The beta distribution of the chance to stop after an order."""
    at_once: bool
    """Whether a customer may stop after the first order."""
    weeks: float
    """The conversion window."""
    share: float
    """Of the log-odds that it says, beside what became of other leads."""
    money: Money | None = None

    def log_odds(self, features: Features) -> Floats:
        """Of an order inside the window, of each customer."""
        return log_odds(self._alive(self._past(features)) * self._again(self._past(features)))

    def values(self, features: Features) -> Floats:
        """Money of the orders inside the window, of each customer who orders again."""
        assert self.money is not None
        past = self._past(features)
        return self._orders(past) * self.money.of(features, past)

    def _past(self, features: Features) -> Past:
        return _past(self.columns, features.numbers)

    def _alive(self, past: Past) -> Floats:
        (shape, rate), (a, b) = self.rate, self.stop
        # who ordered a thousand times and then no more has stopped, however large the odds are
        odds = (shape + past.again) * np.log((rate + past.age) / (rate + past.last))
        grown = np.exp(np.minimum(odds, MOST_ODDS))
        if self.at_once:
            return 1 / (1 + a / (b + past.again) * grown)
        stopped = np.where(past.again > 0, a / (b + np.maximum(past.again, 1) - 1) * grown, 0.0)
        return 1 / (1 + stopped)

    def _again(self, past: Past) -> Floats:
        """Chance of an order inside the window of customers who have not stopped."""
        shape, rate = self.rate
        waited = (rate + past.age) / (rate + past.age + self.weeks)
        return 1 - waited ** (shape + past.again)

    def _orders(self, past: Past) -> Floats:
        """Expected orders inside the window of customers who order again."""
        (shape, rate), (a, b) = self.rate, self.stop
        more = float(self.at_once)
        # at 1 the formula has a gap, and near it the same value on both sides
        a = a if abs(a - 1) > 1e-3 else 1.001
        till = rate + past.age + self.weeks
        series = hyp2f1(
            shape + past.again, b + past.again + more, a + b + past.again - 1 + more,
            self.weeks / till,
        )  # fmt: skip
        kept = ((rate + past.age) / till) ** (shape + past.again)
        orders = (a + b + past.again - 1 + more) / (a - 1) * (1 - kept * series)
        found = orders / self._again(past)
        # the series has no value for who orders all the time: he goes on as he did
        usual = (shape + past.again) / (rate + past.age) * self.weeks
        return np.maximum(np.where(np.isfinite(found), found, usual), 1.0)


@dataclass(frozen=True)
class Money:
    """The gamma-gamma model: an order's money varies about each customer's own mean."""

    column: str
    is_total: bool
    """Whether the column has the money of all orders, not of one."""
    shapes: tuple[float, float, float]

    def of(self, features: Features, past: Past) -> Floats:
        """Expected money of an order of each customer."""
        p, q, scale = self.shapes
        orders = past.again + 1
        mean = _mean(features.numbers[self.column], orders, self.is_total)
        expected: Floats = p * (scale + mean * orders) / (p * orders + q - 1)
        return expected


def rhythm(features: Features, outcomes: Outcomes) -> Rhythm | None:
    """The rhythm of these leads, oldest first; None unless it told their outcomes so far.

    It is learnt from what came before each look alone, so that outcomes may judge it.
    """
    if not np.isfinite(outcomes.window):
        return None
    columns = _columns(features)
    if columns is None:
        return None
    newest = features.take(np.arange(max(features.count - LEARNT, 0), features.count))
    past = _past(columns, newest.numbers)
    if (past.again > 0).sum() < LEAST_AGAIN:
        return None
    found = _fitted(columns, past, outcomes.window / WEEK)
    known = np.flatnonzero(outcomes.mature)
    won = outcomes.won[known].astype(float)
    chance = 1 / (1 + np.exp(-found.log_odds(features.take(known))))
    told = area_under_curve(chance, won) >= LEAST_AREA and _is_near(chance.sum(), won.sum())
    if won.sum() < LEAST_WINS or not told:
        return None
    paid = known[np.isfinite(outcomes.won_value[known])]
    if len(paid) < LEAST_WINS:
        return found
    money = _money(found, features.take(paid), newest, outcomes.won_value[paid])
    return replace(found, money=money)


def _is_near(told: float, came: float) -> bool:
    return came / MOST_OFF <= told <= came * MOST_OFF


def _columns(features: Features) -> Columns | None:
    """The attributes that tell of orders, by what must hold among them; None without any."""
    rows = np.linspace(0, features.count - 1, min(features.count, LOOKED_AT)).astype(int)
    some = {name: values[rows] for name, values in features.numbers.items()}
    some = {name: values for name, values in some.items() if bool((values >= 0).all())}
    counts = {name: values for name, values in some.items() if _counts(values)}
    for first, last in itertools.permutations(some, 2):
        # nobody ordered last before having ordered first
        if not (some[last] <= some[first]).all() or not counts:
            continue
        for is_since in (True, False):
            again = some[first] > some[last] if is_since else some[last] > 0
            for orders, values in counts.items():
                if orders not in (first, last) and _tells(values, again):
                    return Columns(orders, first, last, is_since, float(values.min()))
    return None


def _counts(values: Floats) -> bool:
    """Whether these may count orders, or those after the first: most customers have only one."""
    return bool((values % 1 == 0).all() and values.min() in (0, 1) and values.max() > values.min())


def _tells(orders: Floats, again: np.ndarray) -> bool:
    """Whether customers with the least orders never ordered again, and nearly all others did."""
    never = orders == orders.min()
    return not again[never].any() and bool(again[~never].mean() > SAME_DAY)


def _past(columns: Columns, numbers: Mapping[str, Floats]) -> Past:
    age = np.maximum(np.nan_to_num(numbers[columns.first]), 0) / WEEK
    last = np.nan_to_num(numbers[columns.last]) / WEEK
    again = np.nan_to_num(numbers[columns.orders] - columns.least)
    last = np.clip(age - last if columns.is_since else last, 0, age)
    return Past(np.maximum(again, 0), last, age)


def _fitted(columns: Columns, past: Past, weeks: float) -> Rhythm:
    """Whichever of both models makes the past likelier."""
    found, usual = [], float(np.median(past.age))
    share = usual / (usual + HALF_WINDOWS * weeks)
    for at_once in (False, True):
        # without bounds a step may leave what a double can hold, and nothing is likelier than NaN
        fit = minimize(
            _surprise, np.zeros(4), args=(past, at_once), method="L-BFGS-B", bounds=[LOGS] * 4
        )
        shape, rate, a, b = (float(each) for each in np.exp(fit.x))
        told = Rhythm(columns, (shape, rate), (a, b), at_once, weeks, share)
        found.append((float(fit.fun), told))
    return min(found, key=lambda each: each[0])[1]


def _surprise(logs: Floats, past: Past, at_once: bool) -> float:
    """-ln of the likelihood of the past, less what does not depend on the parameters."""
    shape, rate, a, b = np.exp(logs)
    events, more = shape + past.again, float(at_once)
    of_rates = gammaln(events) - gammaln(shape) + shape * np.log(rate) - betaln(a, b)
    goes_on = betaln(a, b + past.again + more) - events * np.log(rate + past.age)
    orders = past.again + more
    stopped = betaln(a + 1, b + np.maximum(orders, 1) - 1) - events * np.log(rate + past.last)
    stopped = np.where(orders > 0, stopped, -np.inf)
    return -float((of_rates + np.logaddexp(goes_on, stopped)).sum())


def _money(found: Rhythm, features: Features, newest: Features, value: Floats) -> Money | None:
    """What tells the money of won customers; None unless something does."""
    past = _past(found.columns, features.numbers)
    each = value / found._orders(past)
    told = []
    for name, is_total in itertools.product(features.numbers, (False, True)):
        mean = _mean(features.numbers[name], past.again + 1, is_total)
        if (mean >= 0).all():
            told.append((rank_correlation(mean, each), name, is_total))
    for correlation, name, is_total in sorted(told, key=lambda one: -one[0])[:TRIED]:
        if correlation < LEAST_CORRELATION:
            break
        money = _fitted_money(name, is_total, newest, _past(found.columns, newest.numbers))
        if _is_near(float(replace(found, money=money).values(features).sum()), float(value.sum())):
            return money
    return None


def _mean(values: Floats, orders: Floats, is_total: bool) -> Floats:
    """Money of an order; NaN becomes no money."""
    found: Floats = np.nan_to_num(values) / (orders if is_total else 1.0)
    return found


def _fitted_money(name: str, is_total: bool, features: Features, past: Past) -> Money:
    orders = past.again + 1
    mean = _mean(features.numbers[name], orders, is_total)
    paid = mean > 0
    fit = minimize(
        _surprise_of_money, np.log([1.0, 3.0, max(float(np.median(mean[paid])), 1e-6)]),
        args=(mean[paid], orders[paid]), method="L-BFGS-B",
    )  # fmt: skip
    p, q, scale = (float(each) for each in np.exp(fit.x))
    # below 1 the mean of all customers' means would be infinite
    return Money(name, is_total, (p, max(q, 1.01), scale))


def _surprise_of_money(logs: Floats, mean: Floats, orders: Floats) -> float:
    p, q, scale = np.exp(logs)
    shape = p * orders
    likely = (
        gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(scale)
        + shape * np.log(mean * orders) - np.log(mean) - (shape + q) * np.log(scale + mean * orders)
    )  # fmt: skip
    return -float(likely.sum())
