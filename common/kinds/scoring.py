"""What a model is told of a conversion that it scores: leads, outcomes, which leads qualify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from common.crm import CRMS
from common.model.fields import Frozen


def _known_crm(name: str) -> str:
    if name not in CRMS:
        raise ValueError(f"no CRM is called {name!r}; there are: {', '.join(CRMS)}")
    return name


class CrmSource(Frozen):
    """Leads and deals of a CRM as its connector loads them."""

    type: Literal["crm"] = Field(title="Type", description="Standard CRM", examples=["crm"])
    crm: Annotated[str, AfterValidator(_known_crm)] = Field(
        title="CRM",
        description="Which CRM.",
        examples=["hubspot"],
        json_schema_extra={"enum": list(CRMS)},
    )
    dataset: str = Field(
        pattern=r"^[^`\s]+\.[A-Za-z0-9_]+$",
        title="Dataset",
        description="Dataset of the connector's tables as project.dataset.",
        examples=["my-project.hubspot"],
    )


class QuerySource(Frozen):
    """Leads and deals by the user's own queries."""

    type: Literal["query"] = Field(title="Type", description="Custom data", examples=["query"])
    leads_sql: str = Field(
        min_length=1,
        max_length=65536,
        title="Leads",
        description="One row a lead: lead_id, client_id, created, user_id and attributes.",
        examples=["SELECT id AS lead_id, client_id, created FROM `my-project.crm.leads`"],
    )
    deals_sql: str = Field(
        min_length=1,
        max_length=65536,
        title="Deals",
        description="One row an outcome: lead_id, outcome_at, status, deal_value, currency.",
        examples=["SELECT lead_id, closed_at AS outcome_at, status FROM `my-project.crm.deals`"],
    )


@dataclass(frozen=True)
class RowsSource:
    """Leads by the conversion's own query, whose outcomes are the rows of another conversion."""

    leads_sql: str
    target: str


class Qualification(Frozen):
    """How the leads that are worth it are told from the others."""

    mode: Literal[
        "auto", "probability", "top_share", "expected_value", "target_precision", "all"
    ] = Field("auto", title="Mode", description="How the threshold is meant.", examples=["auto"])
    threshold: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        title="Threshold",
        description="Probability, share or precision from 0 to 1, or money; none for auto and all.",
        examples=[0.2],
    )

    @model_validator(mode="after")
    def _threshold_fits(self) -> Qualification:
        if (self.mode in ("auto", "all")) != (self.threshold is None):
            raise ValueError(
                f"mode {self.mode} takes {'no' if self.threshold is not None else 'a'} threshold"
            )
        if (
            self.mode != "expected_value"
            and self.threshold is not None
            and not 0 < self.threshold <= 1
        ):
            raise ValueError(f"mode {self.mode} takes a threshold above 0 and up to 1")
        return self


@dataclass(frozen=True)
class Scoring:
    """How a conversion is scored."""

    source: CrmSource | QuerySource | RowsSource
    window_days: int | None
    """Time that a lead has for its outcome; None lets history tell."""
    qualification: Qualification
    precedes_rows: bool
    """Whether the rows come of the scores; else they are written first and valued later."""
    excluded_attributes: tuple[str, ...] = ()
    confirmed_attributes: tuple[str, ...] = ()
