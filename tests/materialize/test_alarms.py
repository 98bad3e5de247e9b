"""Shops of three sizes for five months: where nothing is wrong nobody is called, faults are found.

Days are drawn at random by a seed; what a run would find of them is counted here in plain Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from common.incidents.silence import silence
from functions.materialize.stage.facts import incidents
from tests.materialize import shops

DAYS, FAULT = 31 + 150, 90
LAST = date(2026, 1, 1)
SIZES = {"3 a week": 3 / 7, "8 a day": 8.0, "50 a day": 50.0}
SEEDS = range(3)
Counts = NDArray[np.int64]


def days_of(counts: Counts) -> list[dict[str, Any]]:
    """The days up to LAST as statements tell them."""
    first = LAST - timedelta(len(counts) - 1)
    return [
        {
            "property": "p.a",
            "date": first + timedelta(number),
            "seen": int(count),
            "visits": int(count),
        }
        for number, count in enumerate(counts)
    ]


@dataclass(frozen=True)
class Shop:
    """What is there of each day."""

    purchases: Counts
    without_id: Counts
    copies: Counts
    buyers_by_ads: Counts
    visitors: Counts
    clicking: Counts
    leads: Counts

    def found(self, day: int) -> dict[str, Any]:
        """What a run of the morning after the day would count."""
        month, week = slice(day - 30, day + 1), slice(day - 6, day + 1)
        today = slice(day, day + 1)
        sums: dict[str, tuple[Counts, slice]] = {
            "purchases": (self.purchases, month), "without_id": (self.without_id, month),
            "copies": (self.copies, month), "visiting": (self.visitors, week),
            "clicking": (self.clicking, week), "buying": (self.purchases, week),
            "brought": (self.buyers_by_ads, week), "week_purchases": (self.purchases, week),
            "week_copies": (self.copies, week), "new_purchases": (self.purchases, today),
            "new_copies": (self.copies, today),
        }  # fmt: skip
        found = {name: int(counts[days].sum()) for name, (counts, days) in sums.items()}
        return {**found, "unknown_refunds": 0, "shared": [], "crowded": [], "until": LAST,
                "stopped": list(self.stopped(month)),
                "visits": days_of(self.visitors[month])}  # fmt: skip

    def stopped(self, month: slice) -> Iterator[dict[str, Any]]:
        leads = self.leads[month]
        seen = np.flatnonzero(leads)
        if len(seen) and seen[-1] < 29:
            yield {
                "property": "p.a", "stream_id": None, "event_name": "lead",
                "seen": int(leads.sum()),
                "daily": [day for day in days_of(leads) if day["seen"]],
                "last_date": LAST - timedelta(int(30 - seen[-1])), "newest_date": LAST,
                "days": int(seen[-1] - seen[0] + 1),
            }  # fmt: skip

    def told(self, day: int) -> set[str]:
        """The codes of what a person is told that morning."""
        return {it.code for it in incidents(self.found(day), {})}


def shop(seed: int, per_day: float, fault: str = "") -> Shop:
    """A shop that is quieter at weekends, with a fault from the 90th day on."""
    draw = np.random.default_rng(seed)
    day = np.arange(DAYS)
    mean = np.where(day % 7 >= 5, 0.6, 1.16) * per_day
    is_faulty = day >= FAULT
    purchases = draw.poisson(mean)
    leads = draw.poisson(np.where(is_faulty & (fault == "event_stopped"), 0, mean))
    lacking = np.where(is_faulty & (fault == "orders_without_id"), 0.1, 0.002)
    by_ads = np.where(is_faulty & (fault == "clicks_unattributed"), 0, 0.2)
    visitors = draw.poisson(mean * 50)
    twice = purchases * (is_faulty & (fault == "many_copies"))
    return Shop(
        purchases, draw.binomial(purchases, lacking), draw.binomial(purchases, 0.14) + twice,
        draw.binomial(purchases, by_ads), visitors, draw.binomial(visitors, 0.35), leads,
    )  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
def test_where_nothing_is_wrong_hardly_anybody_is_called(size: str) -> None:
    calls = 0
    for seed in SEEDS:
        healthy = shop(seed, SIZES[size])
        before: set[str] = set()
        for day in range(31, DAYS):
            told = healthy.told(day)
            calls += len(told - before)
            before = told
    # fifteen months of three shops: once in five of them
    assert calls <= 3


WITHIN = {
    "orders_without_id": {"8 a day": 14, "50 a day": 7},
    "many_copies": {"8 a day": 5, "50 a day": 1},
    "clicks_unattributed": {"8 a day": 7, "50 a day": 7},
    "event_stopped": {"3 a week": 24, "8 a day": 2, "50 a day": 2},
}
"""Fault → the size of a shop, and in how many days it is found; smaller shops are too quiet."""


@pytest.mark.parametrize(
    ("fault", "size", "days"),
    [(fault, size, days) for fault, sizes in WITHIN.items() for size, days in sizes.items()],
)
def test_a_fault_is_found_in_time(fault: str, size: str, days: int) -> None:
    for seed in SEEDS:
        faulty = shop(seed, SIZES[size], fault)
        assert any(fault in faulty.told(day) for day in range(FAULT, FAULT + days + 1)), seed


@pytest.mark.parametrize("world", shops.WORLDS)
def test_no_season_calls_anybody(world: str) -> None:
    # a year of each shop: two calls of one and one of the other are allowed
    assert sum(shops.false_calls(world, size, range(1)) for size in (3, 50)) <= 0.25


@pytest.mark.parametrize("per_day", [2, 3])
def test_a_small_shop_is_called_once_in_sixteen_months_at_most(per_day: int) -> None:
    # letters and sales, which make its days vary most
    for world in ("mails", "sales"):
        assert shops.false_calls(world, per_day, range(10)) <= 1 / 16


@pytest.mark.parametrize(
    ("fault", "per_day", "days"),
    [
        ("one definition gone", 3, 5),
        ("one definition gone", 8, 3),
        ("one definition gone", 15, 2),
        ("one definition gone", 300, 1),
        ("all of the site gone", 8, 3),
        ("all of the site gone", 300, 1),
    ],
)
def test_in_every_season_what_is_gone_is_found(fault: str, per_day: float, days: int) -> None:
    late = shops.delays(fault, per_day, range(1))
    # one of the eleven may be closed on these days
    assert sorted(late)[-2] <= days


NOVEMBER = (14, 49, 48, 46, 26, 58, 31, 32, 52, 64, 64, 54, 79, 30, 21, 69, 68, 68, 84, 76, 68, 60,
            141, 99, 99, 57, 68, 78, 51)  # fmt: skip
"""Purchases of each day of Google's public sample, 2020-11-01 to 29, Black Friday among them; for
the days that no public copy holds (3, 17, 20, 24, 25, 27) the mean of those beside them."""


@pytest.mark.parametrize(
    # purchases a day, and in how many days their end is found
    ("per_day", "days"),
    [(60, 1), (20, 2), (8, 3), (3, 5)],
)
def test_a_real_november_calls_nobody_until_its_purchases_end(per_day: float, days: int) -> None:
    for seed in range(10):
        draw = np.random.default_rng(seed)
        thinned = draw.binomial(NOVEMBER, per_day / 60).tolist()
        unknown = [0] * len(thinned)
        for day in range(15, 30):
            assert silence(thinned[:day], unknown[:day]) is None
        end = int(draw.integers(16, 29 - days))
        assert silence([*thinned[:end], *[0] * days], unknown[: end + days]) is not None
