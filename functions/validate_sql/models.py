"""What the frontend asks and gets back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from common.model.contract import Kind, contract, spelled
from common.model.fields import ConversionId
from common.model.findings import Finding, Severity
from common.untyped import JsonObject
from functions.validate_sql.engine.cost import Cost
from functions.validate_sql.profile.filters import Filter
from functions.validate_sql.profile.predicted_value import PredictedValue
from functions.validate_sql.profile.profile import Profile

MAXIMUM_TEXT = 1_500_000
"""Longer texts are refused before they are read; the guard's own limit is lower and better told."""

TablePath = Annotated[str, Field(pattern=r"^[^`\s]{1,300}$")]


class Ask(BaseModel):
    """A query to be judged, and what it is meant for."""

    # strict: pydantic would else take the text "0" for false
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sql: str = Field(max_length=MAXIMUM_TEXT, description="The query as its author wrote it.")
    contract: Kind = Field("conversion", description="Which columns it has to return.")
    lookup_tables: Annotated[list[TablePath], Field(max_length=50)] = Field(
        default_factory=list,
        description="Partitioned tables, project.dataset.table, that may be read without filter.",
    )
    predicted_value: bool = Field(
        False, description="Whether the value is to be predicted; extra columns are then features."
    )
    conversion_id: ConversionId | None = Field(
        None, description="Id of the conversion that the query belongs to, if it exists."
    )
    adjustment_days: Annotated[int, Field(ge=1, le=365)] = Field(
        1, description="Days that a daily run will read, for the cost."
    )
    with_profile: bool = Field(
        True, description="Whether to run the query over the last 30 days and profile its rows."
    )


class Issue(BaseModel):
    """One fault or remark; its place is that of the text as it was sent.

    Lines and columns count from 1, columns in Unicode characters; the end is not included.
    """

    code: str
    severity: Severity
    message: str
    fix: str
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None
    replacement: str | None = Field(
        description="The text to put between start and end; null where no program could."
    )
    field: str | None
    documentation: str


class Column(BaseModel):
    """A column that the query returns."""

    name: str
    type: str = Field(description="GoogleSQL type.")
    role: Literal["contract", "identifier", "feature", "unknown"]


class Validated(BaseModel):
    """Whether the query may become a conversion, everything found, and what it returns."""

    ok: bool = Field(description="No issue is an error.")
    issues: list[Issue]
    suggestion: str = Field("", description="The whole query as it should be written, when known.")
    explanation: str = Field("", description='What the query counts, in words; "" if unknown.')
    columns: list[Column] = Field(default_factory=list)
    referenced_tables: list[str] = Field(default_factory=list)
    bytes_processed: int | None = Field(None, description="Of one daily run; null is unknown.")
    cost: Cost | None = None
    profile: Profile | None = None
    filters: list[Filter] = Field(
        default_factory=list, description="What each condition of the last WHERE removes."
    )
    sample: list[JsonObject] = Field(default_factory=list)
    predicted_value: PredictedValue | None = None


def issues(findings: Sequence[Finding]) -> list[Issue]:
    """The findings for the frontend: errors first, then as the checks found them, none twice."""
    grades = ("error", "warning", "info")
    ordered = sorted(dict.fromkeys(findings), key=lambda finding: grades.index(finding.severity))
    return [Issue.model_validate(finding.document()) for finding in ordered]


def columns(schema: Sequence[JsonObject], kind: Kind, features: bool) -> list[Column]:
    """The columns of a dry run with the part that each plays."""
    agreed = contract(kind)
    other: Literal["feature", "unknown"] = (
        "feature" if features or agreed.takes_features else "unknown"
    )
    shown = []
    for column in schema:
        known = agreed.column(column["name"])
        role = (
            other if known is None else "identifier" if known.group == "identifier" else "contract"
        )
        shown.append(Column(name=column["name"], type=spelled(column), role=role))
    return shown
