"""The leak detector: what it catches, and that it leaves honest attributes alone."""

from __future__ import annotations

import numpy as np
import pytest

from functions.score_leads.data.attributes import profile
from functions.score_leads.data.features import Features, read
from functions.score_leads.data.values import Floats
from functions.score_leads.model.leakage import (
    CERTAIN_AREA,
    LATE_SHARE,
    Evidence,
    evidence,
    filled_with_age,
    late_attributes,
)

COUNT = 3000
DRAW = np.random.default_rng(4)
WON = DRAW.random(COUNT) < 0.25
PLACED = np.arange(float(COUNT))


def found(values: list[object]) -> Evidence:
    attribute = profile("attribute", values, PLACED)
    assert attribute.refused == ""
    features = read([attribute], {"attribute": values}, None, COUNT)
    return evidence(features, WON)["attribute"]


def chosen(levels: list[str], won: list[float], lost: list[float]) -> list[object]:
    """A level for each lead, by its outcome."""
    return [str(DRAW.choice(levels, p=won if each else lost)) for each in WON.tolist()]


def shown(share: Floats, values: Floats) -> list[object]:
    """The value where it is filled in."""
    there = DRAW.random(COUNT) < share
    return [float(value) if each else None for each, value in zip(there, values, strict=True)]


NOISE = DRAW.normal(size=COUNT)
LEAKS: dict[str, list[object]] = {
    "the outcome itself": chosen(["yes", "no"], [1, 0], [0, 1]),
    "nearly the outcome": chosen(["yes", "no"], [0.99, 0.01], [0.01, 0.99]),
    "the stage of the deal": chosen(["new", "offer", "closed"], [0, 0.1, 0.9], [0.7, 0.3, 0]),
    "the amount of the deal": shown(np.where(WON, 1.0, 0.0), 500 + 50 * NOISE),
    "the money so far": shown(np.ones(COUNT), np.where(WON, 800 + 99 * NOISE, 0)),
    "the contract": [("A" if DRAW.random() < 0.9 else None) if each else None for each in WON],
}
SUSPECTS: dict[str, list[object]] = {
    "calls of sales": shown(np.ones(COUNT), np.round(2 + 6 * WON + 1.5 * NOISE)),
    "filled in for half of the wins": shown(np.where(WON, 0.6, 0.1), NOISE),
    "a reason for losing": chosen(["none", "price", "other"], [0.98, 0, 0.02], [0.5, 0.3, 0.2]),
    "a note of sales": shown(np.where(WON, 0.5, 0.25), NOISE),
}


@pytest.mark.parametrize("name", LEAKS)
def test_what_gives_the_outcome_away_is_refused(name: str) -> None:
    assert found(LEAKS[name]).refusal


@pytest.mark.parametrize("name", SUSPECTS)
def test_what_may_give_it_away_is_asked_about(name: str) -> None:
    seen = found(SUSPECTS[name])
    assert seen.suspicion
    assert not seen.refusal or seen.area > 0.9


def honest(draw: np.random.Generator) -> dict[str, list[object]]:
    """Attributes that are known at creation, some with much to say."""
    won = WON.astype(float)
    levels = [f"level {place}" for place in range(60)]
    kinds = {
        "strong": won + draw.normal(size=COUNT),
        "weak": 0.3 * won + draw.normal(size=COUNT),
        "none": draw.normal(size=COUNT),
        "amount": np.exp(0.5 * won + draw.normal(size=COUNT)),
        "count": np.floor(draw.exponential(1 + won)),
    }
    sometimes = draw.random(COUNT) < 0.6 + 0.1 * won
    skewed = np.floor(60 * draw.random(COUNT) ** 2).astype(int)
    return {
        **{name: values.tolist() for name, values in kinds.items()},
        "optional": [value if there else None for value, there in zip(
            kinds["strong"].tolist(), sometimes, strict=True)],
        "channel": [levels[int(place)] for place in draw.integers(6, size=COUNT)],
        "good channel": [levels[int(place)] for place in np.clip(
            draw.poisson(2 + 1.5 * won), 0, 9)],
        "campaign": [levels[place] for place in skewed.tolist()],
        "flag": (draw.random(COUNT) < 0.2 + 0.3 * won).tolist(),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_there_is_no_false_alarm_for_honest_attributes(seed: int) -> None:
    alarms = {
        name: answered
        for name, values in honest(np.random.default_rng(seed)).items()
        if (answered := (seen := found(values)).refusal or seen.suspicion)
    }
    assert alarms == {}


def test_a_rare_outcome_makes_no_level_pure() -> None:
    """Where one lead in fifty is won, a level of forty leads without a win is no news."""
    global_won = DRAW.random(COUNT) < 0.02
    levels: list[object] = [f"level {place // 40}" for place in range(COUNT)]
    attribute = profile("attribute", levels, DRAW.random(COUNT))
    features = read([attribute], {"attribute": levels}, None, COUNT)
    assert evidence(features, global_won)["attribute"].suspicion == ""


def pairs(changed: float) -> list[tuple[dict[str, object], dict[str, object]]]:
    """A hundred leads, first seen and now."""
    return [
        ({"stage": None, "size": "10 "}, {"stage": "offer" if row < 100 * changed else None,
                                          "size": 10})
        for row in range(100)
    ]  # fmt: skip


def test_an_attribute_that_changes_later_is_late() -> None:
    assert late_attributes(pairs(0.3)) == {"stage": 0.3}
    assert late_attributes(pairs(0.02))["stage"] < LATE_SHARE


def test_leads_older_than_a_new_attribute_say_nothing_about_it() -> None:
    new: list[tuple[dict[str, object], dict[str, object]]] = [
        ({"source": "ads"}, {"source": "ads"})
    ] * 40
    old: list[tuple[dict[str, object], dict[str, object]]] = [({}, {"source": "ads"})] * 400
    assert late_attributes([*new, *old]) == {"source": 0.0}
    # too few to say that it stays, and one that no lead ever had at first
    assert late_attributes([*new[:20], *old])["source"] > LATE_SHARE
    assert late_attributes(old) == {"source": 1.0}


def test_what_was_emptied_since_is_not_late() -> None:
    assert late_attributes([({"note": "call back"}, {"note": None})]) == {}


def test_an_attribute_that_only_older_leads_have_is_filled_in_later() -> None:
    age = np.repeat([0.5, 60.0], [40, 400])
    filled: list[object] = [*[None] * 40, *["yes"] * 300, *[None] * 100]
    always: list[object] = ["yes"] * 440
    answered = filled_with_age({"filled": filled, "always": always}, age)
    assert answered == {"filled": "0% of new leads have it, 75% of older ones"}


def test_a_handful_of_new_leads_proves_nothing() -> None:
    age = np.repeat([0.5, 60.0], [5, 400])
    assert filled_with_age({"filled": [*[None] * 5, *["yes"] * 400]}, age) == {}


def test_leads_that_come_in_turns_hide_no_leak() -> None:
    """Every fifth lead is won: folds by row number would keep all wins in one of them."""
    won = np.arange(COUNT) % 5 == 0
    answered = Features(COUNT, codes={"attribute": np.where(won, 3, 2).astype(np.int32)})
    assert evidence(answered, won)["attribute"].area > CERTAIN_AREA
