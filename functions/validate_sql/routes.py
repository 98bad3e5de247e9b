"""Every address of validate-sql: it judges a query, and lists all that it may find."""

from __future__ import annotations

from pydantic import BaseModel, Field

from common.http.request import Ask, Nothing
from common.http.routing import Interface, Route
from common.logs import log
from common.model.findings import Severity, catalogue
from common.untyped import JsonObject
from functions.validate_sql import models
from functions.validate_sql.check import Services, validate
from functions.validate_sql.models import Validated

VERSION = "1"


class FindingRule(BaseModel):
    """What a code means."""

    severity: Severity
    title: str
    why: str
    example: str = Field(description="A query that shows it.")


class Description(BaseModel):
    """The JSON Schemas of request and answer, and the catalogue of findings."""

    request: JsonObject
    response: JsonObject
    findings: dict[str, FindingRule] = Field(description="By code, in the order of the checks.")


def describe(ask: Ask[Nothing, None], services: Services) -> Description:
    """Read the schemas of a judgment, and every code that there is."""
    return Description(
        request=models.Ask.model_json_schema(),
        response=Validated.model_json_schema(),
        findings={code: FindingRule(**rule) for code, rule in catalogue().items()},
    )


def judge(ask: Ask[Nothing, models.Ask], services: Services) -> Validated:
    """Judge a query: everything that is wrong with it, what it costs and what it returns."""
    validated = validate(ask.body, services)
    log(
        "sql_validated",
        status="ok" if validated.ok else "refused",
        code=next((issue.code for issue in validated.issues), ""),
        count=len(validated.issues),
        bytes_processed=validated.bytes_processed,
        request_id=ask.request_id,
    )
    return validated


INTERFACE = Interface(
    "Validate SQL",
    "validate-sql",
    VERSION,
    (Route("GET", "/", describe), Route("POST", "/", judge)),
)
