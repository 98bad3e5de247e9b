"""What became of one row: every insert, change and delete with its cause, and the row as it was."""

from __future__ import annotations

import json
from datetime import date, datetime

from pydantic import Field

from common.bigquery.sql import template, with_parameters
from common.errors import NotFoundError
from common.http.model import Model
from common.http.request import Ask, Moment
from common.untyped import JsonObject
from functions.api.services import Services

PERSONAL = frozenset("email phone first_name last_name ip_address user_agent postal_code".split())
"""Columns whose content never leaves BigQuery through this API."""

PROVENANCE = frozenset("row_hash run_id fence first_seen_at updated_at".split())


class HistoryQuery(Model):
    """Which row, and at which moment."""

    id: str = Field(min_length=1, description="Id of the row.")
    as_of: Moment | None = Field(
        None, description="Also tell the row as it was at this moment (ISO 8601 with time zone)."
    )


class Change(Model):
    """One change of a row."""

    changed_at: datetime
    change: str = Field(description="insert, update or delete.")
    cause: str = Field(
        description="new, late_data, refund, crm_change, definition_change, rescored,"
        " normalization or backfill."
    )
    date: date
    old_value: float | None
    new_value: float | None
    old_qualified: bool | None
    new_qualified: bool | None
    definition_version: int | None
    run_id: str
    fields: list[str] = Field(description="Columns that an update changed.")


class History(Model):
    """The changes of a row, oldest first."""

    conversion: str
    id: str
    changes: list[Change]
    row: JsonObject | None = Field(
        description="The row at `as_of`, without personal data; null when there was none."
    )


def history(ask: Ask[HistoryQuery, None], services: Services) -> History:
    """Tell what changed in a row, when, from what to what, and why.

    404 for an id that the conversion's table never held.
    """
    stored = services.catalog.get(ask.path["id"])
    sql = template(__file__, changes=services.warehouse.table("conversion_changes"))
    bound = with_parameters(sql, definition_id=stored.id, id=ask.query.id)
    rows = list(services.warehouse.rows(bound))
    if not rows:
        raise NotFoundError(
            f"{stored.id!r} never had a row {ask.query.id!r}.",
            code="unknown_record",
            fix=f"Ask why: GET /conversions/{stored.id}/explain?id=...",
            field="id",
        )
    return History(
        conversion=stored.id,
        id=ask.query.id,
        changes=[_change(row) for row in rows],
        row=row_at(rows, ask.query.as_of or services.now()),
    )


def row_at(rows: list[JsonObject], moment: datetime) -> JsonObject | None:
    """The row after the last change up to that moment; None before its insert or after a delete."""
    past = [row for row in rows if row["changed_at"] <= moment]
    if not past or not past[-1]["new_row"]:
        return None
    columns: JsonObject = json.loads(past[-1]["new_row"])
    # not even to operators: BigQuery is where rights to persons' data are given
    return {name: value for name, value in columns.items() if name not in PERSONAL}


def changed_fields(old_row: str | None, new_row: str | None) -> list[str]:
    """Names of the columns in which two rows, as JSON text, differ; [] unless both are there."""
    # an insert has nothing before it and a delete nothing after: no column of theirs "changed"
    if not old_row or not new_row:
        return []
    old, new = json.loads(old_row), json.loads(new_row)
    # provenance differs after every write and says nothing of the row
    return sorted(name for name in new if new[name] != old.get(name) and name not in PROVENANCE)


def _change(row: JsonObject) -> Change:
    known = {name: row[name] for name in Change.model_fields if name in row}
    return Change(**known, fields=changed_fields(row["old_row"], row["new_row"]))
