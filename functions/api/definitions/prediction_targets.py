"""Which conversions can be the target of a predicted value."""

from __future__ import annotations

from pydantic import Field

from common.catalog.prediction_targets import PredictionTarget, targets
from common.http.model import Model
from common.http.request import Ask
from functions.api.services import Services


class TargetsQuery(Model):
    """For which conversion."""

    source: str = Field(
        "", description="Id of the conversion whose value shall be predicted, if it is saved."
    )


class EligibleTarget(Model):
    """A conversion that can be a target."""

    id: str
    name: str
    conversions: int = Field(description="With user id and value, in the past 60 days.")


class IneligibleTarget(Model):
    """A conversion that cannot be a target, and why."""

    id: str
    name: str
    reason: str


class Targets(Model):
    """All active conversions, told apart."""

    eligible: list[EligibleTarget]
    ineligible: list[IneligibleTarget]


def eligible_targets(ask: Ask[TargetsQuery, None], services: Services) -> Targets:
    """List the conversions that a value can be predicted for, and why the others cannot."""
    found: list[PredictionTarget] = targets(
        services.warehouse, services.catalog.active(), services.yesterday, ask.query.source
    )
    return Targets(
        eligible=[
            EligibleTarget(id=target.id, name=target.name, conversions=target.conversions)
            for target in found
            if not target.reason
        ],
        ineligible=[
            IneligibleTarget(id=target.id, name=target.name, reason=target.reason)
            for target in found
            if target.reason
        ],
    )
