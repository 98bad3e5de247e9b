"""Whatever leads a department has, few, old, empty or all alike, a training comes to its end."""

from __future__ import annotations

import json

import numpy as np
import pytest

from functions.score_leads.data.outcomes import Outcomes, tail
from functions.score_leads.evaluate.card import card
from functions.score_leads.training.training import Leads, Wishes, train

NAMES = ("channel", "campaign", "zip", "status", "lead_source", "score_at", "note", "x")


def column(dice: np.random.Generator, count: int) -> list[object]:
    """Values of one attribute, of any kind and any emptiness."""
    words = ["the", "big", "dog", "ran", "far", "x@y.com"]
    made: list[list[object]] = [
        dice.choice(["a", "b", "c", None], count).tolist(),  # type: ignore[arg-type]
        [None] * count,
        ["same"] * count,
        dice.normal(size=count).round(3).tolist(),
        dice.integers(0, 50, count).tolist(),
        [f"u{place}" for place in range(count)],
        [None if dice.random() < 0.9 else 1e308 for _ in range(count)],
        [f"2024-{1 + place % 12:02d}-05T00:00:00Z" for place in range(count)],
        [" ".join(dice.choice(words, 6)) for _ in range(count)],
    ]
    return made[dice.integers(len(made))]


def department(seed: int) -> tuple[Leads, Outcomes]:
    """Leads and what became of them, drawn by seed."""
    dice = np.random.default_rng(seed)
    count = int(dice.choice([1, 2, 3, 40, 90]))
    age = np.sort(dice.uniform(0, dice.choice([1, 20, 200, 900]), count))[::-1].copy()
    if dice.random() < 0.2:
        age[:] = age[0]
    will = dice.random(count) < dice.choice([0, 0.02, 0.2, 0.5, 0.98, 1])
    delay = dice.exponential(dice.choice([0.01, 5, 60]), count)
    won = np.where(will & (delay <= age), delay, np.nan)
    lost = np.where(~will & (delay <= age), delay, np.nan)
    value = np.where(np.isnan(won), np.nan, dice.choice([0, 1, 100, 1e9, np.nan], count))
    names = dice.permutation(NAMES)[: dice.integers(0, 6)]
    columns = {str(name): column(dice, count) for name in names}
    seen = None if dice.random() < 0.3 else dice.choice([0.0, 1, 10, 400], count)
    leads = Leads(1.75e9 - age * 86_400, bool(dice.random() < 0.8), columns, seen)
    return leads, Outcomes(won, lost, age, value, float(dice.choice([14, 60, 180])))


@pytest.mark.parametrize("first", range(0, 60, 12))
def test_every_training_ends_in_a_model_that_scores(first: int) -> None:
    for seed in range(first, first + 12):
        leads, outcomes = department(seed)
        tail(outcomes.won_after, outcomes.age)
        trained = train(leads, outcomes, Wishes(confirmed=("status",)))
        newest = trained.model.read(leads.columns, leads.created, len(leads.placed))
        scores = trained.model.score(newest)
        assert np.isfinite(scores.probability).all(), seed
        assert scores.deal_value is None or np.isfinite(scores.deal_value).all(), seed
        json.dumps(card(trained, [], {}), allow_nan=False)
