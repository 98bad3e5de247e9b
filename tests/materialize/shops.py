"""Shops day by day in eleven kinds of year, from 2 to 2,000 orders a day, and faults put into them.

`python -m tests.materialize.shops` prints how often a month each is called though nothing is wrong,
and in how many days a fault is found.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from common.incidents.silence import silence

Factors = NDArray[np.float64]
Counts = NDArray[np.int64]

DAYS, BEFORE = 400, 35
"""Days of a shop, and the first ones that are its past."""
REACH = 30
"""So many days up to the judged one a run sees."""
DAY = np.arange(DAYS)
SIZES = (2, 3, 5, 8, 15, 50, 300, 2000)
VISITS = 50
"""Visits of an order."""
OF_DAY, OF_VISITS, OF_ORDERS = 0.12, 0.08, 0.15
"""By how much days vary beside what chance does: all of a shop, and each series by itself."""


def _weekly(*factors: float) -> Factors:
    return np.array(factors)[DAY % 7]


SHOP = _weekly(1.15, 1.1, 1.1, 1.1, 1.05, 0.75, 0.75)
HOLIDAYS = [45, 100, 103, 140, 151, 190, 262, 307, 348, 349, 350, 351, 355, 356, 357]


def _flat() -> tuple[Factors, Factors]:
    return SHOP.copy(), np.ones(DAYS)


def _closed_on_sundays() -> tuple[Factors, Factors]:
    return _weekly(1.15, 1.1, 1.1, 1.1, 1.1, 1.0, 0.45), np.where(DAY % 7 == 6, 0.0, 1.0)


def _business() -> tuple[Factors, Factors]:
    """Few visits at weekends, and on holidays even fewer who order."""
    visits, rate = _weekly(1.3, 1.35, 1.35, 1.3, 1.15, 0.3, 0.25), np.where(DAY % 7 >= 5, 0.4, 1.0)
    off = np.isin(DAY, HOLIDAYS) & (DAY % 7 < 5)
    return visits * np.where(off, 0.35, 1), rate * np.where(off, 0.3, 1)


def _black_friday() -> tuple[Factors, Factors]:
    visits, rate = _flat()
    for friday in (60, 326):
        visits[friday - 7 : friday] *= 1.4
        rate[friday - 4 : friday] *= 0.8
        visits[friday : friday + 4] *= 4
        rate[friday : friday + 4] *= 2
        visits[friday + 4 : friday + 8] *= 1.5
        visits[friday + 8 : friday + 18] *= 0.75
        rate[friday + 4 : friday + 18] *= 0.85
    return visits, rate


def _sales() -> tuple[Factors, Factors]:
    """Three weeks, four times a year, and a lull after each."""
    visits, rate = _flat()
    for first in (50, 150, 230, 300):
        visits[first : first + 21] *= 2
        rate[first : first + 21] *= 1.6
        visits[first + 21 : first + 28] *= 0.8
        rate[first + 21 : first + 28] *= 0.8
    return visits, rate


def _summer() -> tuple[Factors, Factors]:
    """Nine times as many in summer as in winter; the weather breaks in August."""
    wave = np.cos((DAY - 200) / 365 * 2 * np.pi)
    breaks = np.where((DAY >= 214) & (DAY < 260), 0.7, 1)
    return SHOP * np.exp(1.1 * wave) * breaks, np.exp(0.3 * wave)


def _christmas() -> tuple[Factors, Factors]:
    visits, rate = _flat()
    up = np.clip((DAY - 300) / 45, 0, 1) * (DAY < 355)
    visits *= 1 + 1.5 * up
    rate *= 1 + 0.6 * up
    visits[355:359] *= 0.6
    rate[355:359] *= 0.5
    visits[359:] *= 0.8
    rate[359:] *= 0.7
    return visits, rate


def _growth() -> tuple[Factors, Factors]:
    return SHOP * 1.09 ** (DAY / 30), np.ones(DAYS)


def _decline() -> tuple[Factors, Factors]:
    return SHOP * 0.9 ** (DAY / 30), 0.97 ** (DAY / 30)


def _mails() -> tuple[Factors, Factors]:
    """A letter every eighth day, more or less."""
    visits, rate = _flat()
    for day in np.random.default_rng(8).choice(DAYS, DAYS // 8, replace=False):
        visits[day] *= 2
        rate[day] *= 1.8
        visits[day + 1 : day + 2] *= 1.3
    return visits, rate


def _bots() -> tuple[Factors, Factors]:
    """Ten days in which four of five visits are no person's."""
    visits, rate = _flat()
    for first in (60, 140, 260):
        visits[first : first + 10] *= 5
        rate[first : first + 10] /= 5
    return visits, rate


WORLDS: Mapping[str, Callable[[], tuple[Factors, Factors]]] = {
    "flat": _flat, "closed on sundays": _closed_on_sundays, "business": _business,
    "black friday": _black_friday, "sales": _sales, "summer": _summer, "christmas": _christmas,
    "growth": _growth, "decline": _decline, "mails": _mails, "bots": _bots,
}  # fmt: skip


@dataclass(frozen=True)
class Shop:
    """What is there of each day."""

    orders: Counts
    visits: Counts

    def is_called(self, day: int) -> bool:
        """Whether the run of the morning after the day calls somebody."""
        days = slice(day + 1 - REACH, day + 1)
        return silence(self.orders[days].tolist(), self.visits[days].tolist()) is not None

    def calls(self) -> Iterator[int]:
        """The days on which a person is called who was not called the day before."""
        was = False
        for day in range(BEFORE, DAYS):
            found = self.is_called(day)
            if found and not was:
                yield day
            was = found

    def found_after(self, day: int, within: int) -> int | None:
        """In how many days a fault of the day is found; None where it takes more than `within`."""
        days = range(1, within + 1)
        return next((late for late in days if self.is_called(day + late - 1)), None)


def shop(world: str, per_day: float, seed: int) -> Shop:
    """A shop of that world and size where nothing is wrong."""
    draw = np.random.default_rng([list(WORLDS).index(world), int(per_day), seed])

    def varying(share: float) -> Factors:
        return draw.gamma(1 / share**2, share**2, DAYS)

    visits, rate = WORLDS[world]()
    day = varying(OF_DAY)
    return Shop(
        draw.poisson(visits * rate * day * varying(OF_ORDERS) * per_day),
        draw.poisson(visits * day * varying(OF_VISITS) * per_day * VISITS),
    )


FAULTS: Mapping[str, tuple[float, float]] = {
    "one definition gone": (0.0, 1.0),
    "half of one definition gone": (0.5, 1.0),
    "all of the site gone": (0.0, 0.03),
    "half of the site gone": (0.5, 0.5),
}
"""Fault → the shares of orders and of visits that are left."""


def broken(healthy: Shop, fault: str, day: int, seed: int) -> Shop:
    """The same shop with a fault from the day on."""
    draw = np.random.default_rng([seed, day])
    left = healthy
    for series, share in zip(("orders", "visits"), FAULTS[fault], strict=True):
        counts = getattr(healthy, series).copy()
        counts[day:] = draw.binomial(counts[day:], share)
        left = replace(left, **{series: counts})
    return left


def false_calls(world: str, per_day: float, seeds: range) -> float:
    """Calls a month of shops where nothing is wrong."""
    calls = sum(len(list(shop(world, per_day, seed).calls())) for seed in seeds)
    return calls / (len(seeds) * (DAYS - BEFORE) / 30)


def delays(fault: str, per_day: float, seeds: range, within: int = 10) -> list[int]:
    """The days until the fault is found, in every world; more than `within` where it is not."""
    found = []
    for world in WORLDS:
        for seed in seeds:
            day = int(np.random.default_rng(seed).integers(60, 360))
            faulty = broken(shop(world, per_day, seed), fault, day, seed)
            found.append(faulty.found_after(day, within) or within + 1)
    return found


def main(seeds: range) -> None:
    print("False calls a month; orders a day:", *SIZES)
    for world in WORLDS:
        print(f"{world:18}", *(f"{false_calls(world, size, seeds):6.3f}" for size in SIZES))
    print("Faults found within 1, 2, 3, 5, 10 days, in percent")
    for fault in FAULTS:
        for size in SIZES:
            late = np.array(delays(fault, size, seeds))
            shares = (100 * np.mean(late <= within) for within in (1, 2, 3, 5, 10))
            print(f"{fault:28} {size:5}", *(f"{share:4.0f}" for share in shares))


if __name__ == "__main__":
    main(range(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
