"""Drift, stability and the calibration ledger: alarms when there is cause, silence otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from functions.score_leads.data.attributes import ABSENT, RARE
from functions.score_leads.data.features import Features
from functions.score_leads.operate import training_incidents
from functions.score_leads.operate.scoring import Scored
from functions.score_leads.training import monitoring
from functions.score_leads.training.monitoring import Cohort, Drift, Stability

DRAW = np.random.default_rng(7)
COUNT = 2000


def leads(count: int = COUNT, shift: float = 0, filled: float = 0.9, top: int = 6) -> Features:
    size = np.where(DRAW.random(count) < filled, DRAW.normal(size=count) + shift, np.nan)
    codes = (2 + DRAW.integers(top, size=count)).astype(np.int32)
    codes = np.where(codes > 7, RARE, codes)
    hours = DRAW.uniform(0, 24, count)
    return Features(count, {"size": size, "created / hour": hours}, {"channel": codes})


SHAPES = monitoring.shapes(leads())


def complaints(now: Features) -> dict[str, str]:
    return {each.attribute: each.complaint for each in monitoring.drift(SHAPES, now)}


def test_leads_of_the_same_kind_raise_no_alarm() -> None:
    assert complaints(leads(400)) == {"size": "", "channel": ""}


@pytest.mark.parametrize(
    ("now", "attribute", "said"),
    [
        (leads(shift=2), "size", "spread differently"),
        (leads(filled=0.6), "size", "of leads have it, compared with training"),
        (leads(top=9), "channel", "a value that training never saw"),
    ],
)
def test_drift_is_reported_by_what_it_is(now: Features, attribute: str, said: str) -> None:
    assert said in complaints(now)[attribute]


def test_too_few_leads_tell_nothing() -> None:
    assert complaints(leads(100, shift=5)) == {}


def test_the_clock_is_not_watched() -> None:
    assert set(SHAPES) == {"size", "channel"}


def test_the_index_is_zero_only_for_equal_shares() -> None:
    shares = np.array([0.2, 0.3, 0.5])
    assert monitoring.stability_index(shares, shares) == 0
    assert monitoring.stability_index(shares, shares[::-1]) > 0.25
    assert np.isfinite(monitoring.stability_index(shares, np.array([0, 0, 1.0])))


def test_moves_are_counted_among_leads_scored_before() -> None:
    before = np.array([0.2, 0.5, np.nan, 0.3])
    now = np.array([0.6, 0.1, 0.9, 0.3])
    was, is_now = np.array([False, True, False, True]), np.array([True, False, True, True])
    moved = monitoring.stability(before, now, was, is_now)
    assert (moved.leads, moved.became_qualified, moved.lost_qualification) == (3, 1, 1)
    assert moved.flipped == pytest.approx(2 / 3)
    assert monitoring.total([moved, Stability(0, 0, 0, 0.0)]) == moved
    nobody = monitoring.stability(np.array([np.nan]), now[:1], was[:1], is_now[:1])
    assert (nobody.leads, nobody.flipped, nobody.mean_move) == (0, 0, 0)


def cohort(**facts: float) -> Cohort:
    usual = {
        "leads": 1000,
        "predicted_wins": 100.0,
        "predicted_wins_variance": 90.0,
        "actual_wins": 105.0,
        "predicted_value": 50_000.0,
        "actual_value": 52_000.0,
        "actual_value_squares": 4e7,
    }
    return Cohort(month="March 2026", **{**usual, **facts})  # type: ignore[arg-type]


def test_what_came_true_is_no_complaint() -> None:
    assert cohort().complaint == ""
    assert cohort(actual_wins=118).complaint == ""


def test_a_month_beyond_chance_is_a_complaint() -> None:
    assert cohort(actual_wins=140).complaint == (
        "100 wins were predicted of the leads of March 2026 and 140 came, outside +-19"
    )
    assert "50,000 was predicted" in cohort(actual_value=80_000).complaint


def test_one_huge_deal_makes_the_margin_of_the_money_wide() -> None:
    assert cohort(actual_value=80_000, actual_value_squares=1.2e9).complaint == ""


def test_a_large_department_is_not_alarmed_by_a_tenth() -> None:
    large = cohort(predicted_wins=10_000, predicted_wins_variance=9_000, actual_wins=10_900)
    assert large.complaint == ""


def test_incidents_say_what_to_do_next() -> None:
    moved = Stability(200, became_qualified=20, lost_qualification=5, mean_move=0.2)
    drifted = monitoring.drift(SHAPES, leads(filled=0.5))
    found = list(training_incidents.of_scores(Scored(200, 50, {}, moved, drifted)))
    assert [incident.code for incident in found] == ["scores_unstable", "attribute_drift"]
    assert all(incident.fix for incident in found)
    missed = list(training_incidents.of_cohorts([cohort(), cohort(actual_wins=9)]))
    assert [incident.code for incident in missed] == ["predictions_missed"]


def test_visits_are_missed_when_they_go_and_not_while_the_export_is_young() -> None:
    known_of_more = Drift("site_visits", 1.4, 0.77, 0.0)
    assert known_of_more.complaint == ""
    gone = Drift("site_visits", 1.4, -0.4, 0.0)
    found = list(
        training_incidents.of_scores(Scored(200, 50, {}, Stability(200, 0, 0, 0.0), [gone]))
    )
    assert [incident.detail for incident in found] == [
        "site_visits: -40% of leads have it, compared with training."
    ]
    assert "GA4 client id" in found[0].fix
    assert Drift("size", 1.4, 0.77, 0.0).complaint


def test_every_attribute_and_month_is_an_incident_of_its_own() -> None:
    drifted = [Drift(name, 0.9, 0.0, 0.0) for name in ("size", "kind")]
    unmoved = Stability(200, 0, 0, 0.0)
    found = list(training_incidents.of_scores(Scored(200, 50, {}, unmoved, drifted)))
    missed = cohort(actual_wins=9)
    found += training_incidents.of_cohorts([missed, replace(missed, month="April 2026")])
    assert len({incident.identity for incident in found}) == 4


def test_few_leads_that_flip_are_no_incident() -> None:
    moved = Stability(50, became_qualified=20, lost_qualification=0, mean_move=0.2)
    assert list(training_incidents.of_scores(Scored(50, 20, {}, moved, []))) == []


def test_missing_and_rare_leads_have_bins_of_their_own() -> None:
    codes = np.array([ABSENT, RARE, 2, 2], np.int32)
    shape = monitoring.shapes(Features(4, codes={"channel": codes}))["channel"]
    assert shape.shares == (0.25, 0.25, 0.5)
    assert shape.unseen == 0.25
