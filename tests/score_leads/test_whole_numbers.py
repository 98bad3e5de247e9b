"""Whole numbers that are codes are told from those that are amounts, whatever they are called."""

from __future__ import annotations

import numpy as np
import pytest

from functions.score_leads.data.outcomes import Flags, final
from functions.score_leads.data.values import Floats
from functions.score_leads.model.whole_numbers import is_code
from functions.score_leads.training.training import Leads, Wishes, train

COUNT = 6000


def agents(seed: int) -> tuple[Floats, Flags]:
    """Forty agents, each with a way of their own."""
    draw = np.random.default_rng(seed)
    skill = draw.normal(-1.5, 0.8, 40)
    agent = draw.integers(40, size=COUNT)
    ids = draw.permutation(400)[:40]
    return ids[agent].astype(float), draw.random(COUNT) < 1 / (1 + np.exp(-skill[agent]))


def amounts(draw: np.random.Generator) -> dict[str, Floats]:
    size = np.exp(draw.normal(3, 1, COUNT))
    return {
        "employees": np.round(size),
        "visits": draw.poisson(np.log1p(size)).astype(float),
        "age, heaped": 5 * np.round((20 + 10 * np.log(size)) / 5),
        "nights": np.minimum(draw.geometric(0.3, COUNT), 14).astype(float),
    }


@pytest.mark.parametrize("seed", range(4))
def test_agents_are_no_amount(seed: int) -> None:
    assert is_code(*agents(seed), seed)


@pytest.mark.parametrize("seed", range(6))
def test_amounts_are_no_agents(seed: int) -> None:
    draw = np.random.default_rng(seed)
    alarms = [
        name
        for name, values in amounts(draw).items()
        if is_code(values, draw.random(COUNT) < 1 / (1 + np.exp(2 - 0.4 * np.log1p(values))), seed)
    ]
    assert len(alarms) <= 1


def test_fractions_and_few_leads_are_left_alone() -> None:
    ids, won = agents(0)
    assert not is_code(ids + 0.5, won, 0)
    assert not is_code(ids[:400], won[:400], 0)
    assert not is_code(ids, np.zeros(COUNT, bool), 0)


def test_a_code_becomes_a_category_of_the_model() -> None:
    ids, won = agents(1)
    leads = Leads(np.arange(float(COUNT)), False, {"agent": ids.astype(int).tolist()})
    trained = train(leads, final(won, np.full(COUNT, np.nan)), Wishes())
    (attribute,) = trained.attributes
    assert attribute.kind == "category"
    assert len(attribute.levels) == 40
