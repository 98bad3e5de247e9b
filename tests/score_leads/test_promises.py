"""Promised totals in worlds whose truth is known: corrected where rates move, and said so.

The short form of tests/bench/_promises.py, on seeds that nothing was chosen by.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.bench._promises import WORLDS, Kind, Means, means, points

LEFT_OUT = (
    "60 leads a day", "falling, 60 a day", "two months' seasons", "rushes at quarters' ends",
    "wanders", "wanders and comes back",
)  # fmt: skip
"""Much like others, some with four times as many leads."""


@cache
def found(world: str) -> Means:
    return means(list(points(world, [0])))


def mean(field: str, kind: Kind | None = None) -> float:
    """Over the worlds of this kind, or all of them."""
    names = [name for name in WORLDS if name not in LEFT_OUT]
    asked = [name for name in names if kind in (None, WORLDS[name].kind)]
    return float(np.mean([getattr(found(name), field) for name in asked]))


def test_where_rates_keep_one_direction_a_third_of_the_error_goes() -> None:
    assert mean("ours", "one way") <= 2 / 3 * mean("without", "one way")


def test_where_rates_turn_a_correction_is_better_than_none() -> None:
    assert mean("ours", "turns") <= 0.9 * mean("without", "turns")


def test_seasons_of_a_part_of_the_year_are_learnt() -> None:
    seasons = [found(name) for name in WORLDS if name.endswith("seasons") and name not in LEFT_OUT]
    assert len(seasons) == 3
    ours, without = (sum(getattr(each, way) for each in seasons) for way in ("ours", "without"))
    assert ours <= 0.9 * without


def test_where_nothing_moves_hardly_anything_is_corrected() -> None:
    assert mean("ours", "quiet") <= mean("without", "quiet") + 0.003


def test_the_interval_holds_four_of_five_months() -> None:
    assert mean("held") >= 0.75
    assert mean("held", "quiet") >= 0.85


@pytest.mark.parametrize(("kind", "least"), [("one way", 0.6), ("turns", 0.4)])
def test_an_incident_says_where_rates_move(kind: Kind, least: float) -> None:
    assert mean("said", kind) >= least


def test_nobody_is_alarmed_where_nothing_moves() -> None:
    assert mean("said", "quiet") <= 0.1
