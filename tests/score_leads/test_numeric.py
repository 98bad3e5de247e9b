"""Log-odds, shifts and folds: the arithmetic that models stand on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.score_leads.numeric.folds import folds
from functions.score_leads.numeric.log_odds import MOST_SHIFT, log_odds, probability, shift_to


@given(st.floats(1e-6, 1 - 1e-6))
def test_log_odds_and_probability_are_each_others_inverse(share: float) -> None:
    assert probability(log_odds(np.array([share])))[0] == pytest.approx(share, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-4, 4), min_size=1, max_size=50),
    st.floats(0.2, 0.8),
    st.floats(0.1, 5),
)
def test_a_shift_makes_the_sum_what_it_should_be(
    logits: list[float], share: float, weight: float
) -> None:
    given = np.array(logits) / 4
    total = share * weight * len(given)
    shift = shift_to(total, given, np.full(len(given), weight))
    assert weight * probability(given + shift).sum() == pytest.approx(total, rel=1e-6)


def test_no_shift_reaches_more_wins_than_leads() -> None:
    assert shift_to(7, np.zeros(3)) == pytest.approx(MOST_SHIFT)
    assert shift_to(0, np.zeros(3)) == pytest.approx(-MOST_SHIFT)


def test_folds_are_alike_in_size_and_follow_no_order() -> None:
    fold = folds(1002, seed=0)
    assert sorted(np.bincount(fold)) == [200, 200, 200, 201, 201]
    assert np.bincount(fold[:500]).max() < 130
    assert (fold[:-5] == fold[5:]).mean() < 0.3
