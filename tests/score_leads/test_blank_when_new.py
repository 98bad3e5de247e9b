"""Columns that a close fills are refused; columns that only tell much are not."""

from __future__ import annotations

import numpy as np
import pytest

from functions.score_leads.data.blank_when_new import Look, blank_when_new
from functions.score_leads.data.outcomes import Outcomes
from functions.score_leads.data.values import Floats

DAYS, PER_DAY, WINDOW = 240, 15, 60.0


class Crm:
    """One look at a CRM: leads of all ages, of which 15 % win, and half of the others are lost."""

    def __init__(self, seed: int, per_day: int = PER_DAY) -> None:
        self.draw = draw = np.random.default_rng(seed)
        self.age = draw.uniform(0, DAYS, DAYS * per_day)
        self.rank = draw.random(len(self.age))
        wins = draw.random(len(self.age)) < 0.3 * self.rank
        closes = draw.exponential(18, len(self.age))
        won_after = np.where(wins, closes, np.nan)
        loses = ~wins & (draw.random(len(self.age)) < 0.6)
        lost_after = np.where(loses, closes, np.nan)
        nothing = np.full(len(self.age), np.nan)
        known = Outcomes(won_after, lost_after, self.age, nothing, WINDOW)
        self.look = Look.of(known, self.age)

    def filled(self, chance: Floats | float) -> list[object]:
        return ["x" if each else None for each in self.draw.random(len(self.age)) < chance]

    def verdict(self, chance: Floats | float) -> str:
        return blank_when_new({"column": self.filled(chance)}, self.look).get("column", "")


def leaks(crm: Crm) -> dict[str, Floats]:
    closed = crm.look.closed
    return {
        "filled at close": np.where(closed, 0.8, 0.0),
        "filled when won": np.where(crm.look.won, 0.9, 0.0),
        "filled when lost": np.where(crm.look.lost, 0.9, 0.0),
        "known of some, the rest at close": np.where(closed, 0.9, 0.4),
    }


def honest(crm: Crm) -> dict[str, Floats | float]:
    return {
        "of any lead": 0.5,
        "says much of winning": 0.15 + 0.8 * crm.rank,
        "says little of winning": 0.4 + 0.2 * crm.rank,
        "against winning": 0.7 - 0.5 * crm.rank,
        "asked more and more": np.clip(0.9 - crm.age / DAYS, 0, 1),
        "dropped from the form": np.where(crm.age < 20, 0.0, 0.6),
    }


@pytest.mark.parametrize("name", leaks(Crm(0)))
def test_what_a_close_fills_is_refused(name: str) -> None:
    assert all(crm.verdict(leaks(crm)[name]) for crm in map(Crm, range(5)))


@pytest.mark.parametrize("name", honest(Crm(0)))
def test_what_the_form_asked_is_used(name: str) -> None:
    """At most one false alarm in ten."""
    alarms = [crm.verdict(honest(crm)[name]) for crm in map(Crm, range(10))]
    assert sum(map(bool, alarms)) <= 1, alarms


def test_too_few_leads_prove_nothing() -> None:
    look = Look(np.arange(4.0), np.array([True, False, False, False]), np.zeros(4, bool))
    assert blank_when_new({"column": ["x", None, None, None]}, look) == {}
