"""Both halves of the model read any lead, however strange, as the training leads were read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.score_leads.data.attributes import ABSENT, RARE
from functions.score_leads.data.features import Features
from functions.score_leads.model import encoding
from functions.score_leads.model.encoding import MANY_LEVELS, SEEN_OFTEN

DRAW = np.random.default_rng(1)
COUNT = 600
NUMBERS = np.where(DRAW.random(COUNT) < 0.2, np.nan, DRAW.normal(size=COUNT))
FEW = DRAW.choice([ABSENT, 2, 3, 4], COUNT).astype(np.int32)
MANY = (2 + DRAW.integers(MANY_LEVELS + 8, size=COUNT)).astype(np.int32)
WON = (DRAW.random(COUNT) < 0.3).astype(float)
TRAINED = Features(COUNT, {"size": NUMBERS}, {"few": FEW, "many": MANY})
ENCODER = encoding.fit(TRAINED, WON)


def lead(size: float, few: int, many: int) -> Features:
    codes = {"few": np.array([few], np.int32), "many": np.array([many], np.int32)}
    return Features(1, {"size": np.array([size])}, codes)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(allow_nan=True, allow_infinity=False),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
)
def test_any_lead_has_a_row_in_both_tables(size: float, few: int, many: int) -> None:
    encoded = ENCODER.encode(lead(size, few, many))
    assert encoded.matrix.shape == (1, ENCODER.width)
    assert np.isfinite(encoded.matrix.data).all()
    assert encoded.trees.shape == (1, 3)
    assert np.isfinite(encoded.trees[0, 1:]).all()
    assert np.isnan(encoded.trees[0, 0]) == np.isnan(size)


@pytest.mark.parametrize("unseen", [RARE, 9_999])
def test_unseen_and_rare_levels_are_the_same_to_the_model(unseen: int) -> None:
    rare, other = (ENCODER.encode(lead(0.0, code, 2)) for code in (RARE, unseen))
    assert (rare.matrix != other.matrix).nnz == 0
    assert np.array_equal(rare.trees, other.trees)


def test_missing_is_a_level_of_its_own_and_a_number_of_its_own() -> None:
    missing, rare = (ENCODER.encode(lead(np.nan, code, 2)) for code in (ABSENT, RARE))
    assert (missing.matrix != rare.matrix).nnz > 0
    median = float(np.nanmedian(NUMBERS))
    there = ENCODER.encode(lead(median, ABSENT, 2))
    assert (missing.matrix != there.matrix).nnz == 1


def test_beyond_the_training_leads_numbers_go_on_as_at_the_edge() -> None:
    far, edge = (ENCODER.encode(lead(size, 2, 2)) for size in (1e12, np.nanmax(NUMBERS)))
    assert np.allclose(far.matrix.toarray(), edge.matrix.toarray())


def test_a_level_seen_less_than_ten_times_is_rare() -> None:
    codes = np.repeat([2, 3], [SEEN_OFTEN, SEEN_OFTEN - 1]).astype(np.int32)
    count = len(codes)
    encoder = encoding.fit(Features(count, codes={"level": codes}), np.ones(count))
    assert encoder.categories[0].places[[2, 3]].tolist() == [1, 0]


def test_constant_and_missing_columns_are_left_out() -> None:
    constant = Features(
        COUNT,
        {"same": np.ones(COUNT), "never": np.full(COUNT, np.nan)},
        {"one": np.full(COUNT, 2, np.int32)},
    )
    encoder = encoding.fit(constant, WON)
    assert (encoder.numbers, encoder.categories) == ((), ())
    assert encoder.encode(constant).matrix.shape == (COUNT, 0)


def test_long_categories_are_log_odds_to_the_trees_short_ones_codes() -> None:
    assert ENCODER.is_unordered == (False, True, False)


def test_a_lead_does_not_see_its_own_outcome_in_its_level() -> None:
    lucky = (MANY == 2) & (np.cumsum(MANY == 2) == 1)
    flipped = np.where(lucky, 1 - WON, WON)
    seen, other = (ENCODER.encode_for_training(TRAINED, won, 0).trees for won in (WON, flipped))
    assert seen[lucky, 2] == other[lucky, 2]
    assert not np.array_equal(seen[:, 2], other[:, 2])
