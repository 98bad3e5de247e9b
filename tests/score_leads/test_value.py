"""What a won lead is worth: the sum is that of the deals, on heavy tails too."""

from __future__ import annotations

import numpy as np
import pytest

from functions.score_leads.data.attributes import ABSENT
from functions.score_leads.data.features import Features
from functions.score_leads.data.values import Floats
from functions.score_leads.model import encoding, value
from functions.score_leads.model.value import LevelMeans, LogBlend, Money, ValueModel

DRAW = np.random.default_rng(5)


def deals(count: int, spread: float = 1.4) -> tuple[Features, Floats]:
    """Deals whose worth depends on size and kind, with a heavy tail."""
    size, kind = DRAW.normal(size=count), DRAW.choice([ABSENT, 2, 3], count).astype(np.int32)
    worth = np.exp(6 + 0.6 * size + 0.5 * (kind == 3) + spread * DRAW.normal(size=count))
    return Features(count, {"size": size}, {"kind": kind}), worth


def of_deals(worth: Floats) -> Money:
    """Leads that are all won and final."""
    return Money(worth, np.ones(len(worth)), np.ones(len(worth), bool))


def fitted(features: Features, worth: Floats, quick: bool = False) -> tuple[ValueModel, Floats]:
    encoder = encoding.fit(features, np.ones(features.count))
    model = value.fit(encoder, features, of_deals(worth), 0, quick=quick)
    assert model is not None
    return model, model.values(encoder.encode(features), features)


@pytest.fixture(scope="module")
def heavy() -> tuple[LogBlend, Floats, Floats]:
    """A model of deals with a heavy tail, what it says of them, and what they brought."""
    features, worth = deals(600)
    model, predicted = fitted(features, worth)
    assert isinstance(model, LogBlend)
    return model, predicted, worth


def test_the_sum_of_predictions_is_that_of_the_deals(
    heavy: tuple[LogBlend, Floats, Floats],
) -> None:
    model, predicted, worth = heavy
    assert predicted.sum() / worth.sum() == pytest.approx(1, abs=0.1)
    # models of log money alone would lose half of it
    assert model.scale > 1.5


def test_deals_of_which_hardly_any_has_money_have_a_value() -> None:
    features, worth = deals(600)
    worth[2:] = 0
    _, predicted = fitted(features, worth)
    assert predicted.sum() == pytest.approx(worth.sum(), rel=0.5)


def test_deals_that_nothing_tells_apart_are_worth_their_mean() -> None:
    worth = np.arange(1.0, 101.0)
    _, predicted = fitted(Features(100, {"size": np.ones(100)}), worth)
    assert predicted.tolist() == [pytest.approx(50.5)] * 100


def test_no_single_lead_is_worth_more_than_nearly_all_deals_were(
    heavy: tuple[LogBlend, Floats, Floats],
) -> None:
    model, predicted, worth = heavy
    assert predicted.max() <= model.scale * np.quantile(worth, 0.995) + 1e-6
    assert predicted.min() > 0


def test_few_deals_have_the_mean_of_the_category_that_tells_most() -> None:
    features, worth = deals(40, spread=0.2)
    model, predicted = fitted(features, worth)
    assert isinstance(model, LevelMeans)
    assert model.feature == "kind"
    assert predicted.sum() == pytest.approx(worth.sum())
    unseen = Features(1, codes={"kind": np.array([99], np.int32)})
    assert model.values(encoding.fit(features, worth).encode(deals(1)[0]), unseen) == (
        pytest.approx(worth.mean())
    )


@pytest.mark.parametrize("worth", [np.full(300, 99.0), np.array([5.0, 7.0, 9.0])])
def test_equal_or_hardly_any_deals_have_their_mean(worth: Floats) -> None:
    model, predicted = fitted(deals(len(worth))[0], worth)
    assert isinstance(model, LevelMeans)
    assert predicted == pytest.approx(worth.mean())


@pytest.mark.parametrize("worth", [np.full(30, np.nan), np.zeros(30), np.array([])])
def test_without_any_money_there_is_no_model(worth: Floats) -> None:
    features, _ = deals(len(worth))
    encoder = encoding.fit(deals(100)[0], np.ones(100))
    money = of_deals(worth)
    assert value.fit(encoder, features, money, 0) is None


def test_deals_of_unknown_value_are_left_out() -> None:
    features, worth = deals(45, spread=0.2)
    half = np.where(np.arange(45) < 22, np.nan, worth)
    model, _ = fitted(features, half)
    assert isinstance(model, LevelMeans)
    assert model.mean == pytest.approx(np.nanmean(half))


def test_zero_values_do_not_blow_it_up() -> None:
    features, worth = deals(100, spread=0.3)
    free = np.where(np.arange(100) % 10 == 0, 0.0, worth)
    _, predicted = fitted(features, free)
    assert np.isfinite(predicted).all()
    assert predicted.sum() / free.sum() == pytest.approx(1, abs=0.1)


def test_the_total_is_right_though_chances_lean_toward_the_average() -> None:
    """Wins fall on large firms more often than the chances say."""
    features, worth = deals(3000, spread=0.5)
    size = features.numbers["size"]
    won = DRAW.random(3000) < 1 / (1 + np.exp(1.5 - size))
    money = Money(np.where(won, worth, np.nan), np.full(3000, won.mean()), np.ones(3000, bool))
    encoder = encoding.fit(features, won.astype(float))
    model = value.fit(encoder, features, money, 0)
    assert model is not None
    promised = (money.chance * model.values(encoder.encode(features), features)).sum()
    assert promised / worth[won].sum() == pytest.approx(1, abs=0.03)


def test_young_deals_say_nothing_of_the_level() -> None:
    """They are the fast ones, and the second deal of the same lead may still come."""
    features, worth = deals(400, spread=0.3)
    final = np.arange(400) < 200
    so_far = Money(np.where(final, worth, worth / 2), np.ones(400), final)
    encoder = encoding.fit(features, np.ones(400))
    model = value.fit(encoder, features, so_far, 0)
    assert model is not None
    level = model.values(encoder.encode(features), features)[final].sum() / worth[final].sum()
    assert level == pytest.approx(1, abs=0.05)
