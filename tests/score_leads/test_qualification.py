"""Which leads qualify in each mode, and how a lead keeps its status."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.kinds.scoring import Qualification
from functions.score_leads.data.values import Floats
from functions.score_leads.model.model import Scores
from functions.score_leads.operate.scoring import measured
from functions.score_leads.training.qualification import (
    HYSTERESIS,
    Evidence,
    Threshold,
    grade_cuts,
    grades,
    threshold,
    what_if,
    wilson_lower,
)

DRAW = np.random.default_rng(6)
COUNT = 4000
CHANCE = DRAW.beta(1, 6, COUNT)
WORTH = np.exp(DRAW.normal(5, 1, COUNT))
WON = (DRAW.random(COUNT) < CHANCE).astype(float)
EVIDENCE = Evidence(CHANCE, CHANCE * WORTH, WON, WON * WORTH, days=120)


def cut(mode: str, given: float | None = None, recent: Floats = CHANCE, **facts: bool) -> Threshold:
    wanted = Qualification.model_validate({"mode": mode, "threshold": given})
    return threshold(wanted, EVIDENCE, recent, facts.get("skill", True))


def test_all_and_given_probabilities_are_taken_as_they_are() -> None:
    assert cut("all").cut == 0
    assert (cut("probability", 0.2).measure, cut("probability", 0.2).cut) == ("probability", 0.2)


def test_expected_value_is_money() -> None:
    found = cut("expected_value", 150.0)
    assert (found.measure, found.cut) == ("expected_value", 150.0)
    assert "150.00" in found.reason


def test_no_lead_is_expected_to_bring_money_while_no_deal_has_a_value() -> None:
    asked = cut("expected_value", 0.5)
    nothing = measured(asked, Scores(CHANCE, None, None))
    assert not asked.qualify(nothing, np.ones(COUNT, bool)).any()
    valued = Scores(CHANCE, WORTH, None)
    assert measured(asked, valued).tolist() == (CHANCE * WORTH).tolist()
    assert measured(cut("probability", 0.2), valued).tolist() == CHANCE.tolist()


def test_the_top_share_is_that_of_recent_leads() -> None:
    found = cut("top_share", 0.2)
    assert (found.cut <= CHANCE).mean() == pytest.approx(0.2, abs=0.001)
    assert cut("top_share", 1.0).cut == 0
    assert cut("top_share", 0.2, np.array([])).cut == 0


def test_a_target_precision_holds_at_its_lower_bound() -> None:
    found = cut("target_precision", 0.25)
    chosen = found.cut <= CHANCE
    assert wilson_lower(WON[chosen].sum(), int(chosen.sum())) >= 0.25
    fresh = (DRAW.random(COUNT) < CHANCE)[chosen].mean()
    assert fresh > 0.24


def test_a_precision_that_no_group_reached_is_asked_of_each_lead() -> None:
    found = cut("target_precision", 0.9)
    assert found.cut == 0.9
    assert "no group" in found.reason


def test_auto_keeps_enough_leads_and_half_of_the_money() -> None:
    found = cut("auto")
    chosen = found.cut <= CHANCE
    assert chosen.sum() * 30 / 120 >= 30
    assert (WON * WORTH)[chosen].sum() >= 0.5 * (WON * WORTH).sum()
    assert WON[chosen].mean() > 1.3 * WON.mean()


def test_auto_without_enough_leads_takes_the_best_third() -> None:
    few = Evidence(CHANCE[:60], CHANCE[:60], WON[:60], WON[:60], days=900)
    found = threshold(Qualification(), few, CHANCE, True)
    assert (found.cut <= CHANCE).mean() == pytest.approx(0.3, abs=0.01)
    assert found.reason.startswith("the top 30%")


@pytest.mark.parametrize(("mode", "given"), [("auto", None), ("top_share", 0.1),
                                             ("target_precision", 0.4)])  # fmt: skip
def test_without_skill_leads_cannot_be_distinguished(mode: str, given: float | None) -> None:
    found = cut(mode, given, skill=False)
    assert found.cut == 0
    assert "cannot tell them apart" in found.reason


def test_a_given_probability_holds_without_skill_too() -> None:
    assert cut("probability", 0.2, skill=False).cut == 0.2


def test_a_qualified_lead_stays_until_it_falls_well_below_the_cut() -> None:
    held = Threshold("probability", 0.4, "")
    measured = np.array([0.41, 0.39, 0.39, HYSTERESIS * 0.4 - 0.001])
    before = np.array([False, False, True, True])
    assert held.qualify(measured, before).tolist() == [True, False, True, False]


def test_the_table_says_what_each_cut_would_have_done() -> None:
    table = what_if(EVIDENCE)
    assert table[0].share == 1
    assert table[0].recall == table[0].value_share == pytest.approx(1)
    for row in table:
        chosen = row.cut <= CHANCE
        assert row.leads == chosen.sum()
        assert row.precision == pytest.approx(WON[chosen].mean())
        assert row.precision_at_least < row.precision
    assert [row.leads for row in table] == sorted((row.leads for row in table), reverse=True)


def test_the_table_can_be_over_money() -> None:
    table = what_if(EVIDENCE, "expected_value")
    assert table[-1].cut > 1
    assert table[-1].value_share > table[-1].share


@given(st.integers(1, 5000), st.floats(0, 1))
def test_the_lower_bound_lies_below_the_share(count: int, share: float) -> None:
    won = round(share * count)
    bound = wilson_lower(won, count)
    assert 0 <= bound <= won / count + 1e-12
    assert wilson_lower(10 * won, 10 * count) >= bound - 1e-12


def test_the_lower_bound_of_wilson_1927() -> None:
    assert wilson_lower(8, 10, z=1.96) == pytest.approx(0.4902, abs=1e-4)
    assert wilson_lower(0, 0) == 0


def test_grades_are_quarters_of_recent_worth() -> None:
    cuts = grade_cuts(np.arange(1.0, 101.0))
    answered = grades(np.array([1.0, 26, 51, 76, 1e9]), cuts)
    assert answered == ["D", "C", "B", "A", "A"]
    assert grade_cuts(np.array([])) == (0.0, 0.0, 0.0)
