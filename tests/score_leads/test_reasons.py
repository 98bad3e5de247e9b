"""Reasons: points that add up, agree with Shapley values, and are said in words."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from functions.score_leads.data.attributes import rank_correlation
from functions.score_leads.data.features import DAY
from functions.score_leads.data.values import Floats
from functions.score_leads.model.model import Model
from functions.score_leads.model.reasons import MOST, in_words, length, strongest
from tests.bench._reasons import shapley
from tests.score_leads.conftest import Learnt

NEW = 7 * 52.0
"""Days later, by whole weeks: the same leads, but new to the model."""


def columns(learnt: Learnt) -> dict[str, list[object]]:
    return {name: list(values) for name, values in learnt.past.leads.columns.items()}


def points(learnt: Learnt, rows: np.ndarray, later: float = 0) -> tuple[Model, Floats, Floats]:
    """The model, its points for some leads and their probabilities, as if created days later."""
    model = learnt.training.packed.model
    leads = learnt.past.leads.take(rows)
    scores = model.score(model.read(leads.columns, leads.placed + later * DAY, len(rows)))
    assert scores.points is not None
    return model, scores.points, scores.probability


def test_reasons_agree_with_shapley_values(learnt: Learnt) -> None:
    draw = np.random.default_rng(0)
    rows = draw.choice(len(learnt.past.leads.placed), 40, replace=False)
    model, mine, _ = points(learnt, rows)
    assert model.surrogate is not None
    placed = learnt.past.leads.placed
    every = np.arange(len(placed))
    wanted = shapley(model, columns(learnt), rows, every, draw, permutations=15, created=placed)
    assert rank_correlation(mine.ravel(), wanted.ravel()) >= 0.9


@pytest.mark.parametrize(("later", "least"), [(NEW, 0.97), (0, 0.95)])
def test_points_add_up_to_the_way_from_the_average_lead(
    learnt: Learnt, later: float, least: float
) -> None:
    """Less well for leads learnt from: their scores, not their reasons, leave themselves out."""
    model, mine, probability = points(learnt, np.arange(500), later)
    assert model.surrogate is not None
    assert model.surrogate.agreement > 0.9
    centre = model.surrogate.centre + np.log(model.level.factor)
    average = 1 / (1 + np.exp(-centre))
    assert np.corrcoef(mine.sum(axis=1), 100 * (probability - average))[0, 1] > least


def test_a_good_channel_speaks_for_a_lead_and_a_bad_one_against_it(learnt: Learnt) -> None:
    channel = columns(learnt)["channel"]
    model, mine, _ = points(learnt, np.arange(800))
    assert model.surrogate is not None
    place = model.surrogate.attributes.index("channel")
    good, bad = (
        mine[[row for row in range(800) if channel[row] == name], place]
        for name in ("referral", "display")
    )
    assert good.min() > 0 > bad.max()


def test_at_most_five_reasons_on_either_side_the_strongest_first() -> None:
    answered = np.array([[9, 8, 7, 6, 5, 4, -1, -2, -3, -4, -5, -6, 0.04, -0.04]])
    names = [f"a{place}" for place in range(14)]
    (reasons,) = strongest(answered, names, {name: [place] for place, name in enumerate(names)})
    assert [reason["points"] for reason in reasons] == [9, 8, 7, 6, 5, -6, -5, -4, -3, -2]
    assert len(reasons) == 2 * MOST


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "not given"),
        ("(not set)", "not given"),
        (True, "yes"),
        (False, "no"),
        (12.50, "12.5"),
        (1234567.0, "1,234,567"),
        (datetime(2026, 11, 27, 14, 30, tzinfo=UTC), "Friday, 14:00 UTC"),
        ("PAID_SEARCH", "Paid search"),
        ("x" * 90, "x" * 79 + "…"),
    ],
)
def test_values_are_said_plainly(value: object, said: str) -> None:
    (reasons,) = strongest(np.array([[3.0]]), ["plan"], {"plan": [value]})
    assert reasons == [{"attribute": "Plan", "value": said, "points": 3.0}]


def test_of_free_text_only_the_length_is_reported() -> None:
    assert length("Call Jane Doe, please.") == "4 words"
    assert length(" ") is None


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("property_jobtitle", "Job title"),
        ("property_hs_analytics_source", "Original source"),
        ("numberOfEmployees", "Number of employees"),
        ("Lead_Source__c", "Lead source"),
        ("params.country", "Country"),
        ("NPS", "NPS"),
        ("created", "Time of the request"),
    ],
)
def test_attributes_are_said_as_people_say_them(attribute: str, said: str) -> None:
    assert in_words(attribute) == said
