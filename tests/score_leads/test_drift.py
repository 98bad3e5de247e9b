"""The filter of weekly wins: what it is told comes out, and nothing where nothing moves."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest

from functions.score_leads.data.values import Floats
from functions.score_leads.model.drift import HEADED, SWING, WAYS, YEAR, Weeks, forecast


def weeks(level: Floats, expected: float = 40, seed: int = 0) -> Weeks:
    """Weekly wins, oldest first, whose logarithm is off the expected by this level."""
    draw = np.random.default_rng(seed)
    won = draw.poisson(expected * np.exp(level)).astype(float)
    return Weeks(won[::-1], np.full(len(level), expected))


def test_a_level_that_stays_is_most_likely_none() -> None:
    found = forecast(weeks(np.zeros(52)))
    assert found.share("none") > 0.5
    assert abs(found.mean) < 0.1


def test_a_line_is_continued_to_the_middle_of_the_coming_month() -> None:
    line: Floats = 0.03 * np.arange(52.0) - 0.8
    found = forecast(weeks(line, expected=400))
    assert found.share("trend") > 0.9
    assert found.mean == pytest.approx(line[-1] + 0.03 * HEADED, abs=0.1)


@pytest.mark.parametrize("a_year", [2, 3, 4, 6])
def test_a_season_is_continued(a_year: int) -> None:
    """A year of it, and the mean of the month that comes."""
    turned = 2 * np.pi * a_year / YEAR * np.arange(52 + 5)
    found = forecast(weeks(0.4 * np.sin(turned[:52]), expected=100))
    assert found.share("season") > 0.9
    assert found.mean == pytest.approx(0.4 * np.sin(turned[52:56]).mean(), abs=0.15)


def test_a_step_is_found_within_two_months() -> None:
    step = np.where(np.arange(52) < 44, 0.0, -0.6)
    found = forecast(weeks(step, expected=100))
    assert found.share("none") < 0.05
    assert found.mean == pytest.approx(-0.6, abs=0.25)


def test_thousands_of_wins_a_week_are_no_proof_of_a_walk() -> None:
    """Weeks differ by more than chance, by holidays for example, and nothing moves for all that."""
    alarmed = 0
    for seed in range(12):
        uneven = 0.05 * np.random.default_rng(seed).normal(size=52)
        found = forecast(weeks(uneven - uneven.mean(), expected=2000, seed=seed))
        alarmed += found.share("none") < 0.5
    assert alarmed <= 2
    line = 0.01 * np.arange(52.0) - 0.26
    assert forecast(weeks(line, expected=2000)).share("none") < 0.01, "a slow drift is one"


def test_weeks_are_counted_from_now() -> None:
    counted = Weeks.of(np.array([0.0, 6.9, 7.0, 20.0]), np.array([1.0, 0, 1, 1]), np.full(4, 0.5))
    assert counted.won.tolist() == [1, 1, 1]
    assert counted.expected.tolist() == [1, 0.5, 0.5]


def fading_sums(steps: Floats, kept: float) -> Floats:
    return np.array(list(accumulate(steps, lambda so_far, step: kept * so_far + step)))


def test_the_variance_holds_what_is_not_known() -> None:
    """Of 60 walks of every kind, four of five levels lie inside 1.28 standard deviations."""
    held = []
    for seed in range(60):
        draw = np.random.default_rng(seed)
        way = WAYS[1 + seed % (len(WAYS) - 1)]
        turns = np.append(way.slope * draw.normal(), way.turn * draw.normal(size=42))
        level = np.cumsum(fading_sums(turns, way.lasting) + way.walk * draw.normal(size=43))
        sine, cosine = SWING * draw.normal(size=2) * (way.a_year > 0)
        turned = 2 * np.pi * way.a_year * np.arange(43) / YEAR
        level += sine * np.sin(turned) + cosine * np.cos(turned)
        level -= level[:40].mean()
        found = forecast(weeks(level[:40], seed=seed))
        held.append(abs(level[39:].mean() - found.mean) < 1.28 * np.sqrt(found.variance))
    assert np.mean(held) > 0.65


def test_no_week_breaks_the_filter() -> None:
    extreme = Weeks(np.array([0.0, 5000, 0, 1]), np.array([0.0, 1e-12, 4000, 1]))
    found = forecast(extreme)
    assert np.isfinite([found.mean, found.variance]).all()
    assert found.weights.sum() == pytest.approx(1)
