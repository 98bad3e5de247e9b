"""What a model needs of a conversion that it scores: leads, outcomes, which leads qualify."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from common.crm import CLICK_IDS, CRMS
from common.crm.preferences import Named, Preferences
from common.errors import UserError
from common.model.fields import ConversionId, Frozen


def _known_crm(name: str) -> str:
    # no Literal: a CRM is a folder, and a new one needs no change here
    if name not in CRMS:
        raise ValueError(f"no CRM is called {name!r}; there are: {', '.join(CRMS)}")
    return name


# as long as a name of a column may be (cloud.google.com/bigquery/docs/schemas)
ColumnName = Annotated[str, Field(min_length=1, max_length=300)]
# values are joined by | where a path of the CRM's reader says which of them mean yes
Said = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^|]+$")]


class Reached(Frozen):
    """What a column of the CRM holds once something has happened."""

    model_config = ConfigDict(title="Column that tells it")

    column: ColumnName = Field(
        title="Column",
        description="Column, in any spelling, or what people call it in the CRM.",
        examples=["Deal_Status__c"],
    )
    values: tuple[Said, ...] = Field(
        (),
        max_length=100,
        title="Values",
        description="Values that mean yes; none for a flag, or for a date that is filled.",
        examples=[["Signed"]],
    )


class CrmColumns(Frozen):
    """Columns that a person names; all others are found by their names and contents."""

    model_config = ConfigDict(title="Named columns")

    client_id: ColumnName | None = Field(
        None,
        title="Client id",
        description="Google Analytics' client id, on leads, contacts or deals.",
        examples=["Google_Client_Id__c"],
    )
    gclid: ColumnName | None = Field(
        None, title="Google click id", description="Google's click id.", examples=["GCLID__c"]
    )
    gbraid: ColumnName | None = Field(
        None,
        title="Google app click id",
        description="Google's click id from an ad to the site on Apple's devices.",
        examples=["GBRAID__c"],
    )
    wbraid: ColumnName | None = Field(
        None,
        title="Google web click id",
        description="Google's click id from the web to an app on Apple's devices.",
        examples=["WBRAID__c"],
    )
    fbclid: ColumnName | None = Field(
        None, title="Meta click id", description="Meta's click id.", examples=["fbclid__c"]
    )
    msclkid: ColumnName | None = Field(
        None,
        title="Microsoft click id",
        description="Microsoft's click id.",
        examples=["MSCLKID__c"],
    )
    ttclid: ColumnName | None = Field(
        None, title="TikTok click id", description="TikTok's click id.", examples=["ttclid__c"]
    )
    li_fat_id: ColumnName | None = Field(
        None,
        title="LinkedIn click id",
        description="LinkedIn's click id.",
        examples=["li_fat_id__c"],
    )
    user_id: ColumnName | None = Field(
        None,
        title="User id",
        description="The person's id as the site knows it; the CRM's own id unless given.",
        examples=["Customer_Number__c"],
    )
    created: ColumnName | None = Field(
        None,
        title="Created",
        description="When the lead came; the record's creation unless given.",
        examples=["Inquiry_Date__c"],
    )
    value: ColumnName | None = Field(
        None, title="Value", description="A deal's money.", examples=["Contract_Value__c"]
    )
    currency: ColumnName | None = Field(
        None, title="Currency", description="Currency of a deal's money.", examples=["Currency__c"]
    )
    won: Reached | None = Field(
        None,
        title="Won",
        description="When a deal counts as won.",
        examples=[{"column": "Deal_Status__c", "values": ["Signed"]}],
    )
    lost: Reached | None = Field(
        None,
        title="Lost",
        description="When a deal counts as lost.",
        examples=[{"column": "Deal_Status__c", "values": ["Refused"]}],
    )

    @property
    def of_leads(self) -> dict[str, str]:
        """The named columns of leads, contacts and deals alike, by what they hold."""
        names = ("client_id", *CLICK_IDS, "user_id", "created")
        return {name: column for name in names if (column := getattr(self, name)) is not None}


class StageReached(Frozen):
    """A deal has come into a stage."""

    model_config = ConfigDict(title="Stage of a deal")

    type: Literal["stage"] = Field(title="Type", description="Stage", examples=["stage"])
    stages: tuple[Said, ...] = Field(
        min_length=1,
        max_length=100,
        title="Stages",
        description="Stages, by id or label, of which any counts; a won deal has passed them all.",
        examples=[["Offer sent", "Negotiation"]],
    )


class LeadReached(Reached):
    """A lead or contact has come so far."""

    model_config = ConfigDict(title="Status of a lead")

    type: Literal["lead"] = Field(title="Type", description="Lead status", examples=["lead"])
    at: ColumnName | None = Field(
        None,
        title="Moment",
        description="Column that says since when; the lead's last change unless given.",
        examples=["Qualified_At__c"],
    )


class TargetReached(Frozen):
    """The person has a conversion of another kind."""

    model_config = ConfigDict(title="Target conversion")

    type: Literal["conversion"] = Field(
        title="Type", description="Target conversion", examples=["conversion"]
    )
    target: ConversionId = Field(
        title="Target conversion",
        description="Custom conversion with the same user ids, one or more in the past 60 days.",
        examples=["deal_closed"],
    )


Milestone = Annotated[StageReached | LeadReached | TargetReached, Field(discriminator="type")]
"""What a lead is to reach, where that is not a won deal."""


class LeadCondition(Frozen):
    """One condition on a lead's own column."""

    model_config = ConfigDict(title="Condition on leads")

    column: ColumnName = Field(
        title="Column", description="An attribute of the lead.", examples=["country"]
    )
    operator: Literal["one_of", "not_one_of", "is_present", "is_missing"] = Field(
        title="Operator",
        description="not_one_of is also true where the value is missing.",
        examples=["one_of"],
    )
    values: tuple[Annotated[str, Field(max_length=1000)], ...] = Field(
        (),
        max_length=1000,
        title="Values",
        description="Compared without case; none for is_present and is_missing.",
        examples=[["Germany", "Austria"]],
    )

    @model_validator(mode="after")
    def _values_fit(self) -> LeadCondition:
        # an empty list would let nobody pass, or everybody, without a word
        if self.operator.endswith("one_of") != bool(self.values):
            raise ValueError(
                f"{self.operator} takes {'no values' if self.values else 'at least one value'}"
            )
        return self


def filtered(filters: Iterable[LeadCondition], columns: Iterable[str]) -> list[str]:
    """Each filter's column as it is spelt; raises UserError for one that no lead has."""
    there = {name.lower(): name for name in columns}
    found = []
    for place, each in enumerate(filters):
        name = there.get(each.column.lower())
        if name is None:
            raise _no_such_column(place, each.column, there.values())
        found.append(name)
    return found


def _no_such_column(place: int, column: str, columns: Iterable[str]) -> UserError:
    near = get_close_matches(column, list(columns), n=1)
    listed = ", ".join(sorted(columns)[:20])
    return UserError(
        f"Leads have no column {column}, by which they are to be filtered.",
        code="lead_filter_unknown",
        fix=f"Did you mean {near[0]}?" if near else f"There are: {listed}.",
        field=f"lead_filters.{place}.column",
    )


class CrmSource(Frozen):
    """Leads and deals of a CRM as its connector loads them."""

    type: Literal["crm"] = Field(title="Type", description="Standard CRM", examples=["crm"])
    crm: Annotated[str, AfterValidator(_known_crm)] = Field(
        title="CRM",
        description="Which CRM.",
        examples=["hubspot"],
        # the form offers a list, and a new folder under common/crm is in it without a change here
        json_schema_extra={"enum": list(CRMS)},
    )
    dataset: str = Field(
        pattern=r"^[^`\s]+\.[A-Za-z0-9_]+$",
        title="Dataset",
        description="Dataset of the connector's tables as project.dataset.",
        examples=["my-project.hubspot"],
    )
    columns: CrmColumns = Field(
        CrmColumns(),
        title="Columns",
        description="Columns that hold what their names do not say.",
        examples=[{"client_id": "Google_Client_Id__c"}],
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


def preferences(
    source: CrmSource, milestone: StageReached | LeadReached | TargetReached | None
) -> Preferences:
    """What the definition says of its CRM: named columns, and the stage or status that counts."""
    columns = {name: Named(column) for name, column in source.columns.of_leads.items()}
    for name in ("value", "currency"):
        if column := getattr(source.columns, name):
            columns[name] = Named(column)
    for name in ("won", "lost"):
        if reached := getattr(source.columns, name):
            columns[name] = Named(reached.column, reached.values)
    if isinstance(milestone, LeadReached):
        columns["reached"] = Named(milestone.column, milestone.values)
        if milestone.at:
            columns["reached_at"] = Named(milestone.at)
    stages = milestone.stages if isinstance(milestone, StageReached) else ()
    # a status of leads, or another conversion, tells the outcome without any deal
    needs_deals = not isinstance(milestone, LeadReached | TargetReached)
    return Preferences(columns, stages, needs_deals)


@dataclass(frozen=True)
class RowsSource:
    """Leads by the conversion's own query, whose outcomes are the rows of another conversion."""

    leads_sql: str
    target: str


class Qualification(Frozen):
    """How the leads that are worth it are recognised."""

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
        # a threshold that nothing reads would look as if it did something
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


class ValueStep(Frozen):
    """One step of a value map."""

    model_config = ConfigDict(title="Step")

    at_least: float = Field(
        ge=0, allow_inf_nan=False, title="From", description="Lower bound.", examples=[12.5]
    )
    value: float = Field(
        ge=0, allow_inf_nan=False, title="Value", description="What is sent.", examples=[20]
    )


class ValueMap(Frozen):
    """What is sent for a lead instead of its own value: steps, a floor, a cap."""

    model_config = ConfigDict(title="Value map")

    of: Literal["value", "probability"] = Field(
        "value",
        title="Of",
        description="What the steps' bounds are of; probability where deals have no value.",
        examples=["value"],
    )
    steps: tuple[ValueStep, ...] = Field(
        (),
        max_length=100,
        title="Steps",
        description="Ascending; below the first one 0 is sent. The model card has the deciles.",
        examples=[[{"at_least": 0, "value": 5}, {"at_least": 12.5, "value": 20}]],
    )
    floor: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        title="Floor",
        description="Least value that is sent.",
        examples=[1],
    )
    cap: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        title="Cap",
        description="Largest value that is sent.",
        examples=[500],
    )

    @model_validator(mode="after")
    def _is_a_map(self) -> ValueMap:
        bounds = [step.at_least for step in self.steps]
        # of two steps from one bound only one could ever be sent
        if bounds != sorted(set(bounds)):
            raise ValueError("the steps must ascend, each from a bound of its own")
        if self.of == "probability" and not self.steps:
            raise ValueError("a probability is no money: it needs steps that say what it is worth")
        # which of the two held would depend on the order of a CASE
        if self.floor is not None and self.cap is not None and self.floor > self.cap:
            raise ValueError("the floor is above the cap")
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
    milestone: StageReached | LeadReached | TargetReached | None = None
    """What a lead is to reach; None for a won deal."""
    value_map: ValueMap | None = None
    """What is sent instead of a lead's own value."""
    lead_filters: tuple[LeadCondition, ...] = ()
    """All of which a lead must pass to be one."""

    @property
    def target(self) -> str | None:
        """The conversion whose rows are the outcomes; None when deals are."""
        if isinstance(self.source, RowsSource):
            return self.source.target
        return self.milestone.target if isinstance(self.milestone, TargetReached) else None
