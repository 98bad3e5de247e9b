"""A conversion as typed data: Simple | Combined | Custom | LeadScoring, told apart by `kind`.

The JSON Schema of these models is what the frontend draws its forms from, so every field carries
a title, a description and an example.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    field_validator,
    model_validator,
)

from common.model.filters import Filter, event_names
from common.schemas import fixed_tables

ConversionId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Days = Annotated[int, Field(ge=1, le=365)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EventValue(Frozen):
    """The event's own value: revenue of a purchase, else its `value` parameter."""

    type: Literal["event"] = Field(
        "event", title="Type", description="Event value", examples=["event"]
    )


class ManualValue(Frozen):
    """The same value for every conversion."""

    type: Literal["manual"] = Field(title="Type", description="Manual value", examples=["manual"])
    amount: float = Field(
        ge=0,
        allow_inf_nan=False,
        title="Amount",
        description="Value of each conversion.",
        examples=[25],
    )
    currency: Currency | None = Field(
        None,
        title="Currency",
        description="ISO 4217 code; the project's unless given.",
        examples=["EUR"],
    )


class NoValue(Frozen):
    """Conversions are counted; they have no monetary value."""

    type: Literal["none"] = Field(title="Type", description="No value", examples=["none"])


Value = Annotated[EventValue | ManualValue | NoValue, Field(discriminator="type")]


class Refunds(Frozen):
    """Lower the value of purchases by their refunds."""

    days: Days = Field(
        30,
        title="Adjustment window, days",
        description="A refund counts up to this many calendar days after its purchase.",
        examples=[30],
    )
    remove_fully_refunded: bool = Field(
        False,
        title="Remove fully refunded",
        description="Drop a fully refunded purchase; otherwise it stays with value 0.",
        examples=[False],
    )


class Normalization(Frozen):
    """Scale values so that both conversions are worth the same in total."""

    by: ConversionId = Field(
        title="Normalize by", description="Id of the reference conversion.", examples=["purchase"]
    )
    days: Annotated[int, Field(ge=7, le=365)] = Field(
        90,
        title="Window, days",
        description="Complete days whose totals are compared.",
        examples=[90],
    )
    lag_days: Annotated[int, Field(ge=0, le=180)] = Field(
        0,
        title="Lag, days",
        description="Newest days left out, because their reference conversions are still to come.",
        examples=[14],
    )


class Conversion(Frozen):
    """What every kind has."""

    id: ConversionId = Field(
        title="Id",
        description="Lower case letters, digits and _.",
        examples=["purchase"],
    )
    name: str = Field(
        min_length=1,
        max_length=120,
        title="Name",
        description="Name in reports.",
        examples=["Purchase"],
    )
    description: str = Field(
        "",
        max_length=2000,
        title="Description",
        description="For colleagues.",
        examples=["Web shop orders"],
    )

    @field_validator("id")
    @classmethod
    def _names_a_table_of_its_own(cls, id: str) -> str:
        if f"conversion_{id}" in fixed_tables():
            raise ValueError(f"{id!r} cannot be an id: conversion_{id} is a table of the product")
        return id


class Simple(Conversion):
    """A purchase or a custom event of the GA4 export."""

    model_config = ConfigDict(title="Simple conversion")

    kind: Literal["simple"] = Field(
        "simple", title="Kind", description="Simple", examples=["simple"]
    )
    event_type: Literal["purchase", "custom_event"] = Field(
        title="Event type",
        description="Purchase, or any other event chosen by a filter on Event.",
        examples=["purchase"],
    )
    filters: Filter | None = Field(
        None,
        title="Filters",
        description="Which events count; groups of conditions joined by all (AND) or any (OR).",
        examples=[{"dimension": "transaction_total", "operator": "greater_than", "value": 100}],
    )
    value: Value = Field(
        EventValue(type="event"),
        title="Conversion value",
        description="Event value, manual value, or none.",
        examples=[{"type": "event"}],
    )
    deduplicate_by_user: bool = Field(
        False,
        title="Deduplicate by User",
        description=(
            "Purchase: keep each user's first one. Custom event: one per user and window. "
            "A user is a Google client id, or those that a user id joins in GA4 or in rows of "
            "custom conversions."
        ),
        examples=[False],
    )
    deduplication_days: Days | None = Field(
        None,
        title="Deduplication window, days",
        description="Custom events: how long (N x 24 h) a conversion silences the next.",
        examples=[7],
    )
    once_per_session: bool = Field(
        False,
        title="Once per session",
        description="Count at most one event of a session.",
        examples=[False],
    )
    missing_order_id: Literal["keep", "drop"] = Field(
        "keep",
        title="Purchases without order id",
        description="Keep each as a purchase of its own, or drop them.",
        examples=["keep"],
    )
    refunds: Refunds | None = Field(
        None,
        title="Conversions adjustment",
        description="Let GA4 refunds lower the value inside a window.",
        examples=[{"days": 30}],
    )
    normalize: Normalization | None = Field(
        None,
        title="Normalize by conversion",
        description="Scale the value relative to another conversion.",
        examples=[{"by": "purchase"}],
    )

    @model_validator(mode="after")
    def _fits_event_type(self) -> Simple:
        purchase = self.event_type == "purchase"
        if not purchase and not self.event_names:
            raise ValueError(
                "a custom event needs its event name: add a filter such as "
                '{"dimension": "event", "operator": "equals", "value": "generate_lead"} '
                "that holds in every branch"
            )
        if not purchase and self.refunds:
            raise ValueError("refunds adjust purchases only")
        if not purchase and self.deduplicate_by_user != (self.deduplication_days is not None):
            raise ValueError(
                "deduplicate_by_user and deduplication_days go together for custom events"
            )
        if purchase and self.deduplication_days:
            raise ValueError(
                "deduplication_days is for custom events; a purchase keeps the user's first"
            )
        if self.normalize and self.normalize.by == self.id:
            raise ValueError("a conversion cannot be normalized by itself")
        return self

    @property
    def event_names(self) -> frozenset[str]:
        """The events that can become this conversion."""
        if self.event_type == "purchase":
            return frozenset({"purchase"})
        return (event_names(self.filters) if self.filters else None) or frozenset()


class Combined(Conversion):
    """Two or more conversions counted as one."""

    model_config = ConfigDict(title="Combined conversion")

    kind: Literal["combined"] = Field(
        "combined", title="Kind", description="Combined", examples=["combined"]
    )
    conversions: tuple[ConversionId, ...] = Field(
        min_length=2,
        max_length=50,
        title="Conversions",
        description="Conversions to combine; at equal times the first in this list wins.",
        examples=[["purchase", "lead"]],
    )
    deduplication_days: Days | None = Field(
        None,
        title="Deduplication window, days",
        description="How long (N x 24 h) one silences the next of the same client id.",
        examples=[7],
    )

    @field_validator("conversions")
    @classmethod
    def _distinct(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(ids)) < len(ids):
            raise ValueError("each conversion can be named once")
        return ids

    @model_validator(mode="after")
    def _not_itself(self) -> Combined:
        if self.id in self.conversions:
            raise ValueError("a combined conversion cannot contain itself")
        return self


class PredictedValue(Frozen):
    """Value = probability of the target conversion x what it is worth."""

    target: ConversionId = Field(
        title="Target conversion",
        description="Custom conversion with user ids, one or more in the past 60 days.",
        examples=["deal_closed"],
    )
    window_days: Days = Field(
        title="Conversion window, days",
        description="Longest time (N x 24 h) from this conversion to its target.",
        examples=[40],
    )


class Custom(Conversion):
    """Rows of the user's own query over BigQuery data, under the column contract."""

    model_config = ConfigDict(title="Custom conversion")

    kind: Literal["custom"] = Field(
        "custom", title="Kind", description="Custom", examples=["custom"]
    )
    sql: str = Field(
        min_length=1,
        max_length=65536,
        title="SQL",
        description="One SELECT of id, client_id (or lead_id), created and optional columns.",
        examples=[
            "SELECT order_id AS id, client_id, confirmed_at AS created"
            " FROM `my-project.crm.orders` WHERE date BETWEEN @start_date AND @end_date"
        ],
    )
    adjustment_days: Days | None = Field(
        None,
        title="Conversions adjustment, days",
        description="How long changes in the CRM may still change or remove a conversion.",
        examples=[30],
    )
    lookup_tables: tuple[str, ...] = Field(
        (),
        max_length=50,
        title="Lookup tables",
        description="Partitioned tables, project.dataset.table, read without date filter.",
        examples=[["my-project.crm.owners"]],
    )
    inherit_attribution_from: ConversionId | None = Field(
        None,
        title="Inherit attribution from",
        description="Conversion whose row with id = lead_id lends client id and click ids.",
        examples=["lead"],
    )
    predicted_value: PredictedValue | None = Field(
        None,
        title="Predicted value",
        description="Replace the value by a prediction.",
        examples=[{"target": "deal_closed", "window_days": 40}],
    )


class CrmSource(Frozen):
    """Leads and deals of a CRM as its connector loads them."""

    type: Literal["crm"] = Field(title="Type", description="Standard CRM", examples=["crm"])
    crm: Literal["hubspot", "salesforce", "dynamics", "pipedrive"] = Field(
        title="CRM", description="Which CRM.", examples=["hubspot"]
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


class LeadScoring(Conversion):
    """Leads worth it, qualified and valued by a model trained on past deals."""

    model_config = ConfigDict(title="Lead scoring conversion")

    kind: Literal["lead_scoring"] = Field(
        "lead_scoring", title="Kind", description="Lead scoring", examples=["lead_scoring"]
    )
    source: Annotated[CrmSource | QuerySource, Field(discriminator="type")] = Field(
        title="Source",
        description="A standard CRM or two queries.",
        examples=[{"type": "crm", "crm": "hubspot", "dataset": "my-project.hubspot"}],
    )
    conversion_window_days: Annotated[int, Field(ge=7, le=365)] | None = Field(
        None,
        title="Conversion window, days",
        description="Time a lead has to become a deal; from history (14 to 180) unless given.",
        examples=[60],
    )
    qualification: Qualification = Field(
        Qualification(),
        title="Qualified leads",
        description="Which leads become conversions.",
        examples=[{"mode": "auto"}],
    )
    value: Literal["expected_value", "deal_value_if_won"] = Field(
        "expected_value",
        title="Value",
        description="Probability x deal value, or the deal value if won.",
        examples=["expected_value"],
    )
    adjustment_days: Days = Field(
        30,
        title="Conversions adjustment, days",
        description="How long a lead's qualification and value may still change.",
        examples=[30],
    )
    excluded_attributes: tuple[str, ...] = Field(
        (),
        max_length=500,
        title="Excluded attributes",
        description="Attributes that the model must not use.",
        examples=[["owner"]],
    )
    confirmed_attributes: tuple[str, ...] = Field(
        (),
        max_length=500,
        title="Confirmed attributes",
        description="Attributes that look like leaks but are known at creation.",
        examples=[["lead_source"]],
    )


AnyConversion = Annotated[Simple | Combined | Custom | LeadScoring, Field(discriminator="kind")]
CONVERSION: TypeAdapter[Simple | Combined | Custom | LeadScoring] = TypeAdapter(AnyConversion)
KINDS: dict[str, type[Conversion]] = {
    "simple": Simple,
    "combined": Combined,
    "custom": Custom,
    "lead_scoring": LeadScoring,
}


def references(conversion: Conversion) -> frozenset[str]:
    """Ids of the conversions that must be materialized before this one."""
    match conversion:
        case Simple(normalize=Normalization(by=reference)):
            return frozenset({reference})
        case Combined(conversions=members):
            return frozenset(members)
        case Custom():
            parent = {conversion.inherit_attribution_from} - {None}
            target = {conversion.predicted_value.target} if conversion.predicted_value else set()
            return frozenset(name for name in parent | target if name)
        case _:
            return frozenset()
