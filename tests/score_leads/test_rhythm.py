"""Customers whose orders come at random until they stop, as the model assumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from functions.score_leads.data.features import DAY, Features
from functions.score_leads.data.outcomes import Outcomes
from functions.score_leads.data.values import Floats
from functions.score_leads.evaluate import card
from functions.score_leads.model import fitting
from functions.score_leads.numeric.log_odds import probability
from functions.score_leads.numeric.rhythm import rhythm
from functions.score_leads.training.training import Leads, Wishes, train

CUSTOMERS, WINDOW = 4_000, 90.0


@dataclass(frozen=True)
class Look:
    """Customers on one day: what is known of each, what it orders next, and what it pays."""

    numbers: Mapping[str, Floats]
    after: Floats
    paid: Floats

    def outcomes(self, window: float = WINDOW) -> Outcomes:
        nothing, days = np.full(CUSTOMERS, np.nan), np.full(CUSTOMERS, WINDOW)
        return Outcomes(self.after, nothing, days, self.paid, window)

    @property
    def features(self) -> Features:
        return Features(CUSTOMERS, dict(self.numbers))


def look(day: float, seed: int = 5) -> Look:
    """The same customers on a later day have lived longer, and more of them have stopped."""
    draw = np.random.default_rng(seed)
    since = 200 + 90 * draw.random(CUSTOMERS)
    rate, stops = draw.gamma(0.6, 1 / 40, CUSTOMERS), draw.beta(0.8, 2.5, CUSTOMERS)
    mean = draw.gamma(4, 10, CUSTOMERS)
    gaps = np.cumsum(draw.exponential(1, (CUSTOMERS, 200)) / rate[:, None], axis=1)
    goes_on = np.cumprod(draw.random((CUSTOMERS, 200)) > stops[:, None], axis=1)
    # a customer may stop after each order that is not the first
    lives = np.concatenate([np.ones((CUSTOMERS, 1)), goes_on[:, :-1]], axis=1) > 0
    at = np.where(lives, gaps, np.inf)
    age = since + day
    again = (at <= age[:, None]).sum(axis=1)
    last = np.where(again > 0, np.max(np.where(at <= age[:, None], at, 0), axis=1), 0.0)
    to_come = (at > age[:, None]) & (at <= age[:, None] + WINDOW)
    after = np.where(to_come.any(axis=1), np.min(np.where(to_come, at, np.inf), axis=1) - age, 0)
    won = to_come.any(axis=1)
    return Look(
        {
            "orders": again + 1.0,
            "days_since_first": age,
            "days_since_last": age - last,
            "spent": mean * (again + 1),
            "mails": np.floor(draw.random(CUSTOMERS) * 9),
        },
        np.where(won, after, np.nan),
        np.where(won, to_come.sum(axis=1) * mean, np.nan),
    )


def test_the_past_alone_tells_how_many_customers_come_again_and_what_they_bring() -> None:
    now, later = look(0), look(300)
    found = rhythm(now.features, now.outcomes())
    assert found is not None
    assert found.columns[:3] == ("orders", "days_since_first", "days_since_last")
    assert found.money is not None
    assert found.money.column == "spent"
    chance = probability(found.log_odds(later.features))
    won = np.isfinite(later.after)
    assert chance.sum() / won.sum() == pytest.approx(1, abs=0.06)
    money = chance * found.values(later.features)
    assert money.sum() / np.nansum(later.paid) == pytest.approx(1, abs=0.1)


def test_a_model_of_earlier_looks_promises_no_more_of_older_customers_than_comes() -> None:
    now, later = look(0), look(300)
    columns = {name: values.tolist() for name, values in now.numbers.items()}
    leads = Leads(np.full(CUSTOMERS, 1.7e9), True, columns)
    trained = train(leads, now.outcomes(), Wishes())
    model = trained.model
    told = card.card(trained, [], {})["model"]["rhythm"]
    assert (told["orders"], told["money"]) == ("orders", "spent")
    older = {name: values.tolist() for name, values in later.numbers.items()}
    created = np.full(CUSTOMERS, 1.7e9 + 300 * DAY)
    scores = model.score(model.read(older, created, CUSTOMERS))
    assert scores.expected_value is not None
    assert scores.probability.sum() / np.isfinite(later.after).sum() == pytest.approx(1, abs=0.1)
    assert scores.expected_value.sum() / np.nansum(later.paid) == pytest.approx(1, abs=0.1)


def test_repeats_from_the_first_order_to_the_last_are_read_as_well() -> None:
    now = look(0)
    age, orders = now.numbers["days_since_first"], now.numbers["orders"]
    renamed = {
        "T": age, "recency": age - now.numbers["days_since_last"], "frequency": orders - 1,
    }  # fmt: skip
    found = rhythm(Features(CUSTOMERS, renamed), now.outcomes())
    assert found is not None
    assert found.columns == ("frequency", "T", "recency", False, 0.0)
    same = rhythm(now.features, now.outcomes())
    assert same is not None
    np.testing.assert_allclose(
        found.log_odds(Features(CUSTOMERS, renamed)), same.log_odds(now.features), atol=1e-3
    )


def test_a_long_past_says_more_of_a_chance_than_a_short_one() -> None:
    """Half where customers at the median are known for three windows."""
    now = look(0)
    found = rhythm(now.features, now.outcomes())
    assert found is not None
    usual = float(np.median(now.numbers["days_since_first"]))
    assert found.share == pytest.approx(usual / (usual + 3 * WINDOW), rel=1e-6)
    fitted, _ = fitting.fit_open(now.features, now.outcomes(), 0.0, 0, quick=True, rhythm=found)
    encoded = fitted.encoder.encode(now.features)
    learnt, past = fitted.classifier.learnt(encoded), found.log_odds(now.features)
    np.testing.assert_allclose(
        fitted.logits(now.features), learnt + found.share * (past - learnt), atol=1e-9
    )


def test_a_rhythm_that_tells_nothing_of_wins_is_no_rhythm_of_orders() -> None:
    now, other = look(0), look(0, seed=6)
    # visits that come and stop like orders, and wins that have nothing to do with them
    assert rhythm(now.features, other.outcomes()) is None
    assert rhythm(now.features, now.outcomes(np.inf)) is None
    apart = dict(now.numbers, days_since_last=other.numbers["days_since_last"])
    assert rhythm(Features(CUSTOMERS, apart), now.outcomes()) is None


def test_whoever_orders_all_the_time_or_stopped_long_ago_is_told_too() -> None:
    found = rhythm(look(0).features, look(0).outcomes())
    assert found is not None
    many = np.array([5000.0, 5000.0, 1.0, np.nan])
    numbers = {
        "orders": many, "days_since_first": np.array([700.0, 9000.0, 0.0, np.nan]),
        "days_since_last": np.array([0.0, 8000.0, 0.0, np.nan]), "spent": many * 10,
        "mails": np.zeros(4),
    }  # fmt: skip
    chance = probability(found.log_odds(Features(4, numbers)))
    assert chance[0] > 0.9
    assert chance[1] < 0.001
    money = found.values(Features(4, numbers))
    assert np.isfinite(money).all()
    # some 7 orders a day for 90 days, of about 10 each
    assert 3000 < money[0] < 9000


def test_a_level_is_judged_by_what_became_of_leads_alone() -> None:
    now = look(0)
    found = rhythm(now.features, now.outcomes())
    fitted, logits = fitting.fit_open(
        now.features, now.outcomes(), 0.0, 0, quick=True, rhythm=found
    )
    won = np.isfinite(now.after).sum()
    # what the past says is not balanced: a level would take that for rates that move
    assert probability(logits).sum() == pytest.approx(won, rel=1e-6)
    assert probability(fitted.logits(now.features)).sum() != pytest.approx(won, rel=1e-3)
