"""A new model takes over unless it is clearly worse on leads that neither has seen."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from functions.score_leads.data.features import Features
from functions.score_leads.model.classifier import Classifier
from functions.score_leads.model.ladder import BaseRate
from functions.score_leads.operate import promotion
from functions.score_leads.training.packed import Packed
from functions.score_leads.training.training import Trained
from tests.score_leads.conftest import Learnt


def challenger(learnt: Learnt) -> Trained:
    return learnt.training.trained


def with_scorer(packed: Packed, scorer: Classifier | BaseRate) -> Packed:
    return replace(packed, model=replace(packed.model, scorer=scorer))


def backwards(packed: Packed) -> Packed:
    """A champion that has it all the wrong way round."""
    scorer = packed.model.scorer
    assert isinstance(scorer, Classifier)
    linear = copy.deepcopy(scorer.linear)
    linear.coef_ = -3 * linear.coef_
    return with_scorer(packed, Classifier(linear, (), 0.0))


def test_a_better_challenger_takes_over(learnt: Learnt) -> None:
    champion = backwards(learnt.training.packed)
    assert promotion.refusal(champion, challenger(learnt), 30, 0) == ""


def test_a_clearly_worse_challenger_is_refused_with_the_figures(learnt: Learnt) -> None:
    """Today's data lost its attributes; the champion still knows what they meant."""
    trained = challenger(learnt)
    noise = np.random.default_rng(0).normal(size=trained.features.count)
    forced = replace(trained, features=Features(trained.features.count, {"noise": noise}))
    answered = promotion.refusal(learnt.training.packed, forced, 30, 0)
    assert answered.startswith("on ")
    assert "worse than the champion's (z " in answered


def test_too_few_new_outcomes_decide_nothing(learnt: Learnt) -> None:
    assert promotion.refusal(learnt.training.packed, challenger(learnt), 0.5, 0) == ""


def test_a_base_rate_is_no_yardstick(learnt: Learnt) -> None:
    rate = with_scorer(learnt.training.packed, BaseRate(0.1))
    assert promotion.refusal(rate, challenger(learnt), 30, 0) == ""
