"""What a training and a run found that a person should look at, in words and with a way out."""

from __future__ import annotations

import math
from collections.abc import Iterator

from common.incidents.incidents import Incident
from functions.score_leads.data.sources import RECENT_DAYS, Lacks
from functions.score_leads.model.level import Level
from functions.score_leads.operate.registry import Registered
from functions.score_leads.operate.retrain import Training
from functions.score_leads.operate.scoring import Scored
from functions.score_leads.training.monitoring import FLIP_LIMIT, Cohort

LEAST_COMPARED, LEAST_RECENT = 100, 30
UNSURE = 0.2
"""Standard deviation of the logarithm of a month's total, beyond chance, from which it is reported
though nothing seems to move; a business that goes on has .1."""

NO_LEADS = Incident(
    "no_leads",
    "The source returned no lead, so there is nothing to learn from.",
    "Check the source of the definition, and that its tables are loaded.",
)


_WAYS_OUT = {
    "suspicious_attribute": "Confirm the attribute in the definition, or exclude it there.",
    "wins_went_silent": "Check that deals are still loaded, and that their stages mean the same.",
}
"""What to do about the warnings of a training that a person should look at."""


_OF_RUNS = frozenset(
    "scoring_failed model_damaged no_client_ids client_ids_stopped deals_without_rate"
    " deals_undated scores_unstable attribute_drift".split()
)
_OF_TRAININGS = frozenset(
    "no_leads base_rate_only level_moved promise_off promise_uncertain no_deal_values"
    " model_rejected".split()
) | frozenset(_WAYS_OUT)
_OF_COHORTS = frozenset({"predictions_missed"})


def judged(*, is_trained: bool, has_cohorts: bool) -> frozenset[str]:
    """The codes of what a run has looked at; all others stay as they were found last.

    A model is judged at its training, and a month of leads once, when it has become final.
    """
    found = _OF_RUNS | (_OF_TRAININGS if is_trained else frozenset())
    return found | (_OF_COHORTS if has_cohorts else frozenset())


def of_sources(lacks: Lacks, currency: str) -> Iterator[Incident]:
    """Leads that no visit can be found for, and money that nobody knows the worth of."""
    if lacks.leads >= LEAST_COMPARED and not lacks.with_client_id:
        yield Incident(
            "no_client_ids",
            f"None of {lacks.leads} leads has a client id, so that no conversion can be attributed "
            "to a visit.",
            "Let the form write Google Analytics' client id into a field of the CRM that is "
            "called so, such as ga_client_id.",
            severity="warning",
        )
    if lacks.with_client_id and lacks.recent >= LEAST_RECENT and not lacks.recent_with_client_id:
        yield Incident(
            "client_ids_stopped",
            f"None of the {lacks.recent} leads of the last {RECENT_DAYS} days has a client id, and "
            f"{lacks.with_client_id} older ones have: they cannot be attributed to a visit.",
            "Look at the form: it no longer writes Google Analytics' client id into the CRM.",
            severity="warning",
        )
    if lacks.unpriced:
        yield Incident(
            "deals_without_rate",
            f"{lacks.unpriced} of {lacks.wins} won deals have an amount in a currency for which "
            f"there is no rate into {currency}; they count as won, and their money is left out.",
            "Load daily rates (CONVERSIONS_RATES_TABLE), or let the CRM's home currency be the "
            "project's.",
            severity="warning",
        )
    if lacks.undated:
        yield Incident(
            "deals_undated",
            f"Of {lacks.undated} of {lacks.ended} outcomes nothing says when they were reached; "
            "they count from the moment at which the deal, else the lead, was made, so that wins "
            "seem to come sooner than they do.",
            "Load or name the column with the moment, such as outcome_at of a query or the close "
            "date of the CRM.",
            severity="warning",
        )


def damaged(model: Registered) -> Incident:
    """A model whose bytes are not those that were registered; it was not opened."""
    return Incident(
        "model_damaged",
        f"Model {model.model_id} was not loaded: {model.damage}. A new one is trained.",
        "Find out who may write to the table of models besides this function.",
    )


def is_uncertain(level: Level) -> bool:
    """Whether rates are likelier to move than not, or totals stray far."""
    return level.moves or level.spread > UNSURE


def of_training(training: Training, refused: str) -> Iterator[Incident]:
    """A model that can tell nothing apart, a moved level, a refused challenger, suspects."""
    step = training.trained.step
    if step.name == "base_rate":
        yield Incident(
            "base_rate_only",
            f"All leads get the same probability: {step.reason}.",
            "Add attributes that are known when a lead is created, or wait for more outcomes.",
            severity="warning",
        )
    level = training.trained.model.level
    missed = level.missed
    if missed:
        yield Incident(
            "level_moved",
            f"Of the leads of the last 30 days {missed.came} are won by now, and "
            f"{missed.promised:.0f} were to be expected.",
            "Look for what changed in sales or in the sources of leads. Promised totals may be off "
            f"as far; the correction in use is {level.choice} ({level.note}).",
            severity="warning",
        )
    if (astray := level.astray) and not missed:
        promised, came = astray
        yield Incident(
            "promise_off",
            f"Of the leads of the last months {came} are won by now, and {promised:.0f} were "
            "promised by what was known when they came.",
            "Expect the next promised totals to be off as far and in the same direction, and look "
            f"for what moves; the correction in use is {level.choice} ({level.note}).",
            severity="warning",
        )
    if is_uncertain(level):
        wins, (low, high) = training.promised_wins
        yield Incident(
            "promise_uncertain",
            f"Rates of winning seem to move ({level.note}), by which totals stray by about "
            f"{math.expm1(level.spread):.0%} beyond chance: of the newest leads {wins:.0f} wins "
            f"are promised, and {low:.0f} to {high:.0f} will come in four cases of five.",
            "Do not count on the totals while it lasts, and look for what moves: sources of leads, "
            "sales or prices.",
            severity="warning",
        )
    if (
        training.packed.threshold.measure == "expected_value"
        and training.packed.model.value is None
    ):
        yield Incident(
            "no_deal_values",
            "No deal has a value, so no lead reaches the expected value that makes it qualified.",
            "Return deal_value with the deals, or qualify leads by their probability.",
            severity="warning",
        )
    if refused:
        yield Incident(
            "model_rejected",
            f"The new model was not put to use: {refused}.",
            "Compare the attributes on both model cards; one of them may have broken.",
            severity="warning",
        )
    for warning in training.trained.warnings:
        kind, _, detail = warning.partition(": ")
        if kind in _WAYS_OUT:
            yield Incident(
                kind,
                f"{detail}.",
                _WAYS_OUT[kind],
                # every suspect is an incident of its own; the days without wins are one, whatever
                # their number
                object=detail.partition(": ")[0] if kind == "suspicious_attribute" else "",
                severity="warning",
            )


_CHECK_FIELD = "Check the form and the CRM field; exclude the attribute if it stays broken."
_CHECK_SITE = (
    "Check that forms still hand on the GA4 client id and that GA4's daily tables land; exclude the"
    " attribute if it stays broken."
)


def of_scores(scored: Scored) -> Iterator[Incident]:
    """Qualifications that flip too often, and attributes that drift."""
    moved = scored.stability
    if moved.leads >= LEAST_COMPARED and moved.flipped > FLIP_LIMIT:
        yield Incident(
            "scores_unstable",
            f"The qualification of {moved.flipped:.1%} of {moved.leads} leads changed since the "
            "last run.",
            "Compare the newest model cards and the attributes' drift.",
            severity="warning",
        )
    for drift in scored.drift:
        if drift.complaint:
            yield Incident(
                "attribute_drift",
                f"{drift.attribute}: {drift.complaint}.",
                _CHECK_SITE if drift.is_of_site else _CHECK_FIELD,
                object=drift.attribute,
                severity="warning",
            )


def of_cohorts(final: list[Cohort]) -> Iterator[Incident]:
    """Months whose predictions did not come true."""
    for cohort in final:
        if cohort.complaint:
            yield Incident(
                "predictions_missed",
                f"{cohort.complaint}.",
                "Look at the level and the drift on the model card; the next training follows.",
                object=cohort.month,
                severity="warning",
            )
