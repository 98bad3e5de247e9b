"""Asked by bits, a forest says what scikit-learn says that walks through its trees."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from functions.score_leads.data.attributes import ABSENT
from functions.score_leads.data.features import Features
from functions.score_leads.data.values import Floats
from functions.score_leads.model import encoding
from functions.score_leads.model.encoding import MANY_LEVELS
from functions.score_leads.model.forest import AT_ONCE, Boosted

COUNT = AT_ONCE + 700


def leads(seed: int, *, short: bool = True, long: bool = True, numbers: bool = True) -> Features:
    """Of a number with gaps, one of few values, and categories short and long."""
    draw = np.random.default_rng(seed)
    size = np.where(draw.random(COUNT) < 0.2, np.nan, draw.normal(size=COUNT).round(2))
    step = draw.integers(4, size=COUNT).astype(float)
    few = draw.choice([ABSENT, 2, 3, 4, 5], COUNT).astype(np.int32)
    many = (2 + draw.integers(MANY_LEVELS + 8, size=COUNT)).astype(np.int32)
    return Features(
        COUNT,
        {"size": size, "step": step} if numbers else {},
        ({"few": few} if short else {}) | ({"many": many} if long else {}),
    )


def outcome(features: Features, seed: int) -> Floats:
    draw = np.random.default_rng(seed)
    size = np.nan_to_num(features.numbers.get("size", np.zeros(COUNT)), nan=0.7)
    few = features.codes.get("few", np.zeros(COUNT, np.int32)) == 3
    many = features.codes.get("many", np.zeros(COUNT, np.int32)) % 5
    logits: Floats = size * (1 + few) + 0.4 * many - 1 + draw.normal(size=COUNT)
    return logits


def by_walking(fitted: Boosted, rows: Floats) -> Floats:
    if isinstance(fitted, HistGradientBoostingClassifier):
        return np.asarray(fitted.decision_function(rows))
    return np.asarray(fitted.predict(rows))


@pytest.mark.parametrize("leaves", [2, 7, 12, 31])
@pytest.mark.parametrize(
    "kinds", [{}, {"short": False}, {"long": False}, {"numbers": False}], ids=str
)
def test_sums_are_those_of_the_trees(leaves: int, kinds: dict[str, bool]) -> None:
    known, new = leads(1, **kinds), leads(2, **kinds)
    said = outcome(known, 3)
    won = (said > 0).astype(float)
    encoder = encoding.fit(known, won)
    shape = {
        "max_iter": 8,
        "max_leaf_nodes": leaves,
        "categorical_features": list(encoder.is_unordered),
        "early_stopping": False,
        "max_features": 0.5,
        "random_state": 0,
    }
    learnt = encoder.encode_for_training(known, won, 0)
    for fitted in (
        HistGradientBoostingClassifier(**shape).fit(learnt.trees, won),
        HistGradientBoostingRegressor(**shape).fit(learnt.trees, said),
    ):
        encoded = encoder.encode(new)
        sums = encoder.forest(fitted).sums(encoded.steps)
        assert np.allclose(sums, by_walking(fitted, encoded.trees), atol=1e-12)


def test_codes_that_the_forest_never_saw_are_missing_to_it() -> None:
    known = leads(1)
    won = (outcome(known, 3) > 0).astype(float)
    encoder = encoding.fit(known, won)
    # learnt without a level that the encoder knows, as a fold of the leads may be
    seen = known.take(known.codes["few"] != 4)
    fitted = HistGradientBoostingClassifier(
        max_iter=8, categorical_features=list(encoder.is_unordered), early_stopping=False
    ).fit(encoder.encode(seen).trees, won[known.codes["few"] != 4])
    encoded = encoder.encode(leads(2))
    sums = encoder.forest(fitted).sums(encoded.steps)
    assert np.allclose(sums, by_walking(fitted, encoded.trees), atol=1e-12)


def test_a_forest_of_bare_leaves_and_no_leads_at_all() -> None:
    known = leads(1)
    encoder = encoding.fit(known, np.ones(COUNT))
    encoded = encoder.encode(known)
    fitted = HistGradientBoostingRegressor(max_iter=3).fit(encoded.trees, np.full(COUNT, 5.0))
    forest = encoder.forest(fitted)
    assert forest.sums(encoded.steps) == pytest.approx(np.full(COUNT, 5.0))
    assert forest.sums(encoded.steps[:, :0]).shape == (0,)


def test_what_was_asked_of_a_forest_changes_none_of_its_bytes() -> None:
    known = leads(1)
    won = (outcome(known, 3) > 0).astype(float)
    encoder = encoding.fit(known, won)
    encoded = encoder.encode(known)
    unordered = list(encoder.is_unordered)
    learner = HistGradientBoostingClassifier(max_iter=5, categorical_features=unordered)
    fitted = learner.fit(encoded.trees, won)
    forest = encoder.forest(fitted)
    before = pickle.dumps(forest)
    sums = forest.sums(encoded.steps)
    assert pickle.dumps(forest) == before
    assert np.array_equal(pickle.loads(before).sums(encoded.steps), sums)
