"""A sales department with known truth: chances, delays and money to hold models against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import erf, sqrt

import numpy as np

from functions.score_leads.data.features import DAY
from functions.score_leads.data.outcomes import Outcomes
from functions.score_leads.data.values import Floats
from functions.score_leads.training.training import Leads

START = 1_700_006_400.0
"""A midnight in UTC."""
SPREAD = 0.8
"""Of the logarithm of the days to a win."""
CHANNELS = {"search": 0.3, "social": -0.7, "referral": 0.6, "display": -1.0}


@dataclass(frozen=True)
class Sales:
    """All leads of a simulation, whenever they were won, and what nobody in sales knows."""

    leads: Leads
    chance: Floats
    """True probability of a win inside the window."""
    worth: Floats
    """True mean money of a win."""
    usual_delay: Floats
    """Median days to a win."""
    won_after: Floats
    lost_after: Floats
    value: Floats
    window: float

    def known_on(self, day: float, silent: float = 0) -> tuple[Leads, Outcomes]:
        """Leads created before the day since START, with what was known on it.

        Of the last `silent` days nobody has written down any win.
        """
        created = (self.leads.placed - START) / DAY
        there = created < day
        age = np.where(there, day - created, np.nan)[there]
        won, lost = self.won_after[there], self.lost_after[there]
        won = np.where(won <= age - silent, won, np.nan)
        return self.leads.take(there), Outcomes(
            won_after=won,
            lost_after=np.where(lost <= age, lost, np.nan),
            age=age,
            value=np.where(np.isnan(won), np.nan, self.value[there]),
            window=self.window,
        )

    def chance_by(self, age: Floats) -> Floats:
        """True probability that a lead, by its age in days, is won inside the window by then."""
        arrived = _normal(np.log(np.clip(age, 1e-9, self.window) / self.usual_delay) / SPREAD)
        inside = _normal(np.log(self.window / self.usual_delay) / SPREAD)
        return self.chance * arrived / inside

    def created_between(self, first: float, last: float) -> np.ndarray:
        """Rows of the leads created on these days since START."""
        created = (self.leads.placed - START) / DAY
        return np.flatnonzero((created >= first) & (created < last))


def sales(
    seed: int,
    days: int = 300,
    per_day: float = 30,
    window: float = 40,
    median_delay: float = 7,
    loses: bool = False,
    loss_days: float = 15,
    rate: Callable[[Floats], Floats] = np.zeros_like,
    volume: Callable[[Floats], Floats] = np.ones_like,
    slower: float = 0,
    channel_starts: tuple[str, float] | None = None,
    strength: float = 1,
) -> Sales:
    """Leads for so many days.

    By the day of creation, `rate` shifts the log-odds of a win and `volume` is in proportion to how
    many leads come. Larger firms, whose deals are larger, take exp(slower) times as long for each
    e-fold of their employees. Losses are noted after `loss_days` on average. `strength` multiplies
    what the attributes say of a win.
    """
    draw = np.random.default_rng(seed)
    count = draw.poisson(days * per_day)
    day = np.sort(_spread(draw.uniform(0, 1, count), volume, days))
    channel = draw.choice(list(CHANNELS), count, p=[0.4, 0.3, 0.1, 0.2])
    if channel_starts:
        name, start = channel_starts
        channel = np.where((channel == name) & (day < start), "search", channel)
    employees = np.exp(draw.normal(3, 1.4, count))
    pages = draw.poisson(4, count).astype(float)
    urgent = draw.random(count) < 0.25
    effect = np.array([CHANNELS[name] for name in channel])
    size = np.log(employees) - 3
    answered = effect + 0.35 * size + 0.15 * (pages - 4) + 0.8 * urgent * (size > 0)
    logit = -1.9 + strength * answered + rate(day)
    total = 1 / (1 + np.exp(-logit))
    usual_delay = median_delay * np.exp(slower * size)
    delay = usual_delay * np.exp(draw.normal(0, SPREAD, count))
    # the chance inside the window: log-normal delays, cut
    inside = _normal(np.log(window / usual_delay) / SPREAD)
    wins = draw.random(count) < total
    worth = 300 * employees**0.6 * np.exp(0.9**2 / 2) * np.where(urgent, 1.5, 1.0)
    value = worth * np.exp(draw.normal(0, 0.9, count) - 0.9**2 / 2)
    lost = ~wins & (draw.random(count) < 0.6) if loses else np.zeros(count, bool)
    columns: dict[str, Sequence[object]] = {
        "channel": [str(name) for name in channel],
        "employees": [None if draw.random() < 0.2 else round(float(n)) for n in employees],
        "pages": [int(n) for n in pages],
        "urgent": [bool(flag) for flag in urgent],
    }
    return Sales(
        leads=Leads(START + day * DAY, True, columns),
        chance=total * inside,
        worth=worth,
        usual_delay=usual_delay,
        won_after=np.where(wins, delay, np.nan),
        lost_after=np.where(lost, draw.exponential(loss_days, count), np.nan),
        value=np.where(wins, value, np.nan),
        window=window,
    )


def _spread(share: Floats, volume: Callable[[Floats], Floats], days: int) -> Floats:
    """The day by which each share of all leads has come."""
    day = np.linspace(0, days, 24 * days + 1)
    arrived = np.append(0, np.cumsum(volume(day[1:])))
    spread: Floats = np.interp(share * arrived[-1], arrived, day)
    return spread


def _normal(z: Floats) -> Floats:
    return np.array([0.5 * (1 + erf(each / sqrt(2))) for each in z])
