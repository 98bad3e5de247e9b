"""Scores of leads with their reasons, and the model behind them with how it came true."""

from __future__ import annotations

import json
from datetime import date, datetime

from pydantic import Field

from common.bigquery.sql import template, with_parameters
from common.errors import NotFoundError
from common.http.model import Model
from common.http.request import Ask, Nothing
from common.untyped import JsonObject
from functions.api.services import Services


class Reason(Model):
    """What speaks for or against a lead."""

    attribute: str | None = Field(description="In words.")
    value: str | None = Field(description="As first seen; null when missing.")
    points: float | None = Field(
        description="Percentage points that it adds or takes, against the average lead."
    )


class Point(Model):
    """An earlier score."""

    scored_at: datetime
    probability: float


class LeadScore(Model):
    """A lead's newest score."""

    conversion: str
    id: str
    created: datetime
    scored_at: datetime
    model_id: str
    probability: float = Field(description="Of a deal inside the conversion window, 0 to 1.")
    score: int = Field(description="The same from 0 to 100.")
    grade: str | None = Field(description="A to D: the quarter of expected value it falls into.")
    trend: float | None = Field(description="Change of the probability in seven days.")
    expected_value: float | None = Field(description="In the project's currency.")
    deal_value_if_won: float | None
    pipeline_probability: float | None = Field(
        description="Given what has become of it by now; for sales, never sent to a platform."
    )
    pipeline_value: float | None = Field(description="pipeline_probability x deal_value_if_won.")
    is_qualified: bool
    qualified_at: datetime | None
    status: str | None = Field(description="open, won or lost, as the CRM says.")
    reasons: list[Reason] = Field(description="The strongest first.")
    history: list[Point] = Field(description="Scores of the last 30 runs, oldest first.")


class Cohort(Model):
    """A month of leads: what was predicted and what came true."""

    date: date
    leads: int
    predicted_wins: float
    actual_wins: int
    wins_margin: float | None = Field(description="Difference that chance explains, 95 %.")
    predicted_value: float | None
    actual_value: float | None
    value_margin: float | None
    complaint: str | None = Field(description="What did not come true beyond chance.")


class ScoringModel(Model):
    """The model in use, with its card and its record."""

    conversion: str
    model_id: str
    trained_at: datetime
    definition_version: int | None
    reason: str | None = Field(description="Why it is the one in use.")
    card: JsonObject = Field(description="Data, attributes, quality, thresholds, warnings.")
    calibration: list[Cohort] = Field(description="Months that are old enough, oldest first.")


def lead_score(ask: Ask[Nothing, None], services: Services) -> LeadScore:
    """Read a lead's score with its reasons.

    The newest one; 404 for a lead that has none yet.
    """
    stored = services.catalog.get(ask.path["conversion"])
    sql = template(__file__, scores=services.warehouse.table("lead_scores"))
    bound = with_parameters(sql, conversion=stored.id, id=ask.path["lead_id"])
    rows = list(services.warehouse.rows(bound))
    if not rows:
        raise NotFoundError(
            f"{stored.id!r} has no score for {ask.path['lead_id']!r}.",
            code="unknown_lead",
            fix="Leads are scored by the first run after they are created.",
        )
    # oldest first, so that the last one is the newest
    known = {name: rows[-1][name] for name in LeadScore.model_fields if name in rows[-1]}
    return LeadScore(
        **known,
        score=round(100 * rows[-1]["probability"]),
        history=[Point(scored_at=r["scored_at"], probability=r["probability"]) for r in rows],
    )


def scoring_model(ask: Ask[Nothing, None], services: Services) -> ScoringModel:
    """Read the model that scores a conversion, its card, and how its predictions came true.

    404 until its first run has trained one.
    """
    stored = services.catalog.get(ask.path["conversion"])
    sql = template(__file__, "scores_model", models=services.warehouse.table("models"))
    model = next(services.warehouse.rows(with_parameters(sql, conversion=stored.id)), None)
    if model is None:
        raise NotFoundError(
            f"There is no model for {stored.id!r} yet.",
            code="unknown_model",
            fix="A lead scoring or predicted value is trained by its first run.",
        )
    return ScoringModel(
        conversion=stored.id,
        model_id=model["model_id"],
        trained_at=model["trained_at"],
        definition_version=model["definition_version"],
        reason=model["reason"],
        # a card is written once by the release that trained: it is passed on as it is
        card=json.loads(model["card"] or "{}"),
        calibration=_calibration(stored.id, services),
    )


def _calibration(id: str, services: Services) -> list[Cohort]:
    table = services.warehouse.table("lead_calibration")
    sql = template(__file__, "scores_calibration", calibration=table)
    rows = services.warehouse.rows(with_parameters(sql, conversion=id))
    return [Cohort(**row) for row in rows]
