"""Lead scoring conversions: what a user may choose, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from common.bigquery.sql import Sql
from common.kinds.candidate.shape import Context
from common.kinds.conversion import Conversion
from common.kinds.lead_scoring import lead_scoring
from common.kinds.query import Query
from common.kinds.scoring import (
    CrmSource,
    LeadCondition,
    Milestone,
    Qualification,
    QuerySource,
    Scoring,
    TargetReached,
    ValueMap,
)
from common.model.fields import Days


class LeadScoring(Conversion):
    """Leads worth it, qualified and valued by a model trained on past deals."""

    source_name = "The list of scored leads"
    usual_cause = "rescored"
    follows_ga4 = False

    model_config = ConfigDict(title="Lead scoring conversion")

    kind: Literal["lead_scoring"] = Field(
        "lead_scoring", title="Kind", description="Lead scoring", examples=["lead_scoring"]
    )
    source: Annotated[CrmSource | QuerySource, Field(discriminator="type")] = Field(
        title="Source",
        description="A standard CRM or two queries.",
        examples=[{"type": "crm", "crm": "hubspot", "dataset": "my-project.hubspot"}],
    )
    milestone: Milestone | None = Field(
        None,
        title="Milestone",
        description="What a lead is to reach; a won deal unless given.",
        examples=[{"type": "stage", "stages": ["Offer sent"]}],
    )
    lead_filters: tuple[LeadCondition, ...] = Field(
        (),
        max_length=50,
        title="Filters on leads",
        description="Only leads that pass all of these are scored and learnt from.",
        examples=[[{"column": "country", "operator": "one_of", "values": ["Germany"]}]],
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
    value_map: ValueMap | None = Field(
        None,
        title="Value map",
        description="What is sent instead of the value, for bidding in steps or between bounds.",
        examples=[{"floor": 1, "cap": 500}],
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

    @model_validator(mode="after")
    def _milestone_fits(self) -> LeadScoring:
        if self.milestone and isinstance(self.source, QuerySource):
            raise ValueError(
                "a query says itself what counts: let deals_sql return status 'won' for what"
                " reached the milestone; for a target conversion predict the value of a custom one"
            )
        return self

    def named(self) -> Mapping[str, str]:
        if isinstance(self.milestone, TargetReached):
            return {self.milestone.target: "milestone.target"}
        return {}

    def select(self, context: Context) -> Sql:
        """One row a scored lead; unqualified ones carry the reason `unqualified_lead`."""
        return lead_scoring.select(self, context)

    def queries(self) -> tuple[Query, ...]:
        # the queries of a CRM are the product's own, made of what lies in the dataset
        if isinstance(self.source, CrmSource):
            return ()
        return (
            Query("source.leads_sql", self.source.leads_sql, "leads"),
            Query("source.deals_sql", self.source.deals_sql, "deals"),
        )

    def scoring(self) -> Scoring | None:
        return Scoring(
            source=self.source,
            window_days=self.conversion_window_days,
            qualification=self.qualification,
            precedes_rows=True,
            excluded_attributes=self.excluded_attributes,
            confirmed_attributes=self.confirmed_attributes,
            milestone=self.milestone,
            value_map=self.value_map,
            lead_filters=self.lead_filters,
        )

    def open_days(self, of_member: Callable[[str], int]) -> int:
        # a load scores the leads of a day that is not over; the next run has to see it again
        return max(2, self.adjustment_days)

    def value_days(self, of_member: Callable[[str], int]) -> int:
        return self.adjustment_days
