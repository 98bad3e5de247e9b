"""BigQuery's answer to a call that lacks a right, in its shape and words.

Sources: https://cloud.google.com/bigquery/docs/error-messages, and the texts in the public reports
terraform-provider-google#9577, bigquery-etl#7581, harlequin-bigquery#12.
"""

from __future__ import annotations

from common.local.iam.policy import Need
from common.untyped import JsonObject


def denied(missing: Need, location: str) -> JsonObject:
    """The body of the 403."""
    return error(403, "accessDenied", "PERMISSION_DENIED", text(missing, location))


def unauthenticated() -> JsonObject:
    """The body of the 401 to a call without credentials."""
    words = "Request is missing required authentication credential."
    return error(401, "required", "UNAUTHENTICATED", words)


def error(code: int, reason: str, status: str, message: str) -> JsonObject:
    """An error of Google's REST APIs."""
    details = [{"message": message, "domain": "global", "reason": reason}]
    return {"error": {"code": code, "message": message, "errors": details, "status": status}}


def text(missing: Need, location: str) -> str:
    """What BigQuery writes of a missing right."""
    right, on = missing.permission, missing.resource
    project, _, rest = on.name.partition(".")
    if on.kind == "project":
        return (
            f"Access Denied: Project {project}: User does not have {right} permission in project "
            f"{project}."
        )
    shown = f"{project}:{rest}"
    if right == "bigquery.tables.getData" and on.kind == "table":
        return (
            f"Access Denied: Table {shown}: User does not have permission to query table {shown}, "
            f"or perhaps it does not exist in location {location}."
        )
    return (
        f"Access Denied: {on.kind.capitalize()} {shown}: Permission {right} denied on {on.kind} "
        f"{shown} (or it may not exist)."
    )
