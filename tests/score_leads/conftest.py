"""Sales departments of a few sizes, each learnt from once for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from common.kinds.lead_scoring.definition import LeadScoring
from common.kinds.scoring import QuerySource
from functions.score_leads.model import classifier, value
from functions.score_leads.numeric import threads
from functions.score_leads.operate import retrain
from functions.score_leads.operate.history import Past
from functions.score_leads.operate.retrain import Training
from tests.score_leads.department import DEALS, LEADS
from tests.score_leads.simulator import Sales, sales

TODAY = 220.0
QUICK_ROUNDS = 40
"""Of boosting, instead of 150: what is tested here is true of weaker forests as well, and a busy
machine makes minutes of the difference."""


@pytest.fixture(scope="session", autouse=True)
def quick_forests() -> Iterator[None]:
    """Few rounds, and one thread: several that wait awake made a minute of a second."""
    with pytest.MonkeyPatch.context() as patched, threads.alone():
        patched.setattr(classifier, "ROUNDS", QUICK_ROUNDS)
        patched.setattr(value, "ROUNDS", QUICK_ROUNDS)
        yield


@dataclass(frozen=True)
class Learnt:
    """What a simulation's department knows today, and the training on it."""

    sales: Sales
    past: Past
    training: Training


def scoring_of(**options: object) -> LeadScoring:
    """A definition over two queries."""
    source = QuerySource(type="query", leads_sql=LEADS, deals_sql=DEALS)
    return LeadScoring.model_validate({"id": "leads", "name": "Leads", "source": source, **options})


def past_of(drawn: Sales, day: float) -> Past:
    leads, known = drawn.known_on(day)
    return Past(leads, known, "hash", len(leads.placed))


@pytest.fixture(scope="session")
def learnt() -> Learnt:
    """Seven months with enough wins for the whole blend; losses are known, too."""
    drawn = sales(11, days=260, per_day=14, loses=True)
    past = past_of(drawn, TODAY)
    return Learnt(drawn, past, retrain.training(past, scoring_of(), {}))
