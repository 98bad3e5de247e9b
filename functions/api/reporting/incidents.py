"""Incidents: what needs a person's eye."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pydantic import Field

from common.bigquery.sql import template, with_parameters
from common.http.model import Model
from common.http.request import Ask
from common.incidents.current import State, current
from functions.api.services import Services


class IncidentsQuery(Model):
    """Which incidents."""

    conversion: str = Field("", description="Only those of this conversion or destination.")
    code: str = Field("", description="Only those with this code.")
    days: int = Field(14, ge=1, le=92, description="Noticed in the last so many days.")
    limit: int = Field(100, ge=1, le=1000, description="At most so many, the newest first.")


class Incident(Model):
    """Something that needs a person's eye."""

    incident_id: str
    recorded_at: datetime
    code: str
    severity: str
    conversion: str | None
    run_id: str | None
    detail: str | None
    fix: str | None
    object: str | None = Field(description="What tells it from others of one code and subject.")
    source: str | None = Field(description="Function that reported it.")
    state: State
    note: str | None = Field(description="Why its state changed.")
    decided_by: str | None
    first_day: date
    last_day: date
    days: int = Field(description="On how many days it was reported.")


class IncidentList(Model):
    """Incidents, the newest first."""

    incidents: list[Incident]


def list_incidents(ask: Ask[IncidentsQuery, None], services: Services) -> IncidentList:
    """List what needs a person's eye."""
    since = services.now().date() - timedelta(days=ask.query.days)
    bound = with_parameters(
        template(__file__, current=current(services.warehouse, since)),
        conversion=ask.query.conversion,
        code=ask.query.code,
        limit=ask.query.limit,
    )
    return IncidentList(incidents=[Incident(**row) for row in services.warehouse.rows(bound)])
