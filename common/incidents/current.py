"""Incidents as they stand now, read from the append-only table."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from common.bigquery.sql import Sql, fill, template, with_parameters
from common.bigquery.warehouse import Warehouse


class State(StrEnum):
    """What is known of an incident; stored as written here."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


def current(warehouse: Warehouse, since: date, which: Sql | str = "") -> Sql:
    """A query of one row an incident that was reported since the day, as it stands now; only of
    those of the condition `which` over `incident`, which holds for all entries of one or for none.

    Columns: incident_id, code, severity, conversion, object, source, run_id, detail, fix, state,
    note, decided_by, recorded_at, first_day, last_day and days (how many days it was reported).
    """
    narrowed = fill("\n      AND {{ which }}", which=which) if which else ""
    sql = template(__file__, incidents=warehouse.table("incidents"), which=narrowed)
    return with_parameters(sql, incidents_since=since)
