"""Whether the query's conversion can have a predicted value, and for which targets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pydantic import BaseModel, Field

from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog
from common.catalog.prediction_targets import TARGET_DAYS, PredictionTarget, targets
from common.model.contract import OF_ORIGIN, contract, is_feature
from common.model.findings import Finding, found
from common.untyped import JsonObject


class EligibleTarget(BaseModel):
    """A conversion whose value can be predicted."""

    id: str
    name: str
    conversions: int = Field(description=f"With user id and value, in the past {TARGET_DAYS} days.")


class IneligibleTarget(BaseModel):
    """A conversion that cannot be a target, and why."""

    id: str
    name: str
    reason: str


class PredictedValue(BaseModel):
    """Whether predicted value can be switched on, why not, and the targets to choose from."""

    available: bool
    reason: str = Field("", description="Why it is not available.")
    fix: str = Field("", description="What makes it available.")
    features: list[str] = Field(
        default_factory=list, description="Columns that the model would learn from."
    )
    eligible_targets: list[EligibleTarget] = Field(default_factory=list)
    ineligible_targets: list[IneligibleTarget] = Field(default_factory=list)


UNKNOWN = PredictedValue(
    available=False,
    reason="The conversions defined so far could not be read, so no target is known.",
    fix="Send the query again; if it stays so, ask whoever runs this product.",
)


def predicted_value(
    warehouse: Warehouse,
    schema: Sequence[JsonObject],
    users: float | None,
    yesterday: date,
    conversion: str,
) -> PredictedValue:
    """What the frontend shows under Predicted value.

    `users` is the share of rows with a user id, None when no row was seen; `conversion` is the id
    of the conversion that the query belongs to, "" for a new one.
    """
    candidates = targets(warehouse, Catalog(warehouse).active(), yesterday, conversion)
    eligible = [target for target in candidates if not target.reason]
    reason, fix = _reason(schema, users, eligible)
    return PredictedValue(
        available=not reason,
        reason=reason,
        fix=fix,
        features=features(schema),
        eligible_targets=[
            EligibleTarget(id=target.id, name=target.name, conversions=target.conversions)
            for target in eligible
        ],
        ineligible_targets=[
            IneligibleTarget(id=target.id, name=target.name, reason=target.reason)
            for target in candidates
            if target.reason
        ],
    )


def check(asked: bool, predicted: PredictedValue | None) -> list[Finding]:
    """An error when predicted value is switched on for a query that cannot have it."""
    if not asked or predicted is None or predicted.available:
        return []
    return [
        found(
            "predicted_value_unavailable",
            f"Predicted value cannot be switched on. {predicted.reason}",
            predicted.fix,
            field="user_id",
        )
    ]


def features(schema: Sequence[JsonObject]) -> list[str]:
    """Columns outside the contract, those of the origin and params: what a model may learn from."""
    agreed = contract("conversion")
    return [
        column["name"]
        for column in schema
        if column["name"].lower() in {"params", *OF_ORIGIN}
        or (agreed.column(column["name"]) is None and is_feature(column))
    ]


_USER_ID = "Return the person's id in the CRM in both conversions: customer_id AS user_id"


def _reason(
    schema: Sequence[JsonObject], users: float | None, eligible: Sequence[PredictionTarget]
) -> tuple[str, str]:
    """Why predicted value cannot be had and what to do about it; empty texts when it can."""
    if not any(column["name"].lower() == "user_id" for column in schema):
        reason = "The query returns no user_id, which ties this conversion to its target and must "
        return f"{reason}be the same identifier in both.", _USER_ID
    # None is another matter: no row was seen, and a new query may have no rows yet
    if users == 0:
        return "user_id is NULL in every row of the last 30 days.", _USER_ID
    if not eligible:
        return (
            "There is no conversion to predict: a target is a custom conversion with user_id and "
            f"at least one conversion in the past {TARGET_DAYS} days.",
            "First create the target, such as closed deals with user_id and value, and let it run.",
        )
    return "", ""
