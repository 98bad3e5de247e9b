"""Incidents: what needs a person's eye."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

from pydantic import Field

from common.bigquery.sql import Parameter, template, with_parameters
from common.http.model import Model
from common.http.pages import PageQuery, cursor, read_cursor, read_moment
from common.http.request import Ask, Nothing, Text
from common.incidents.current import State, current
from common.incidents.incidents import REACH, IncidentLog
from functions.api.services import Services


class IncidentsQuery(PageQuery):
    """Which incidents, the newest first."""

    state: State | Literal[""] = Field("", description="Only those in this state.")
    search: Text = Field("", description="Only those whose text contains this.")

    conversion: Text = Field("", description="Only those of this conversion or destination.")
    code: Text = Field("", description="Only those with this code.")
    days: int = Field(14, ge=1, le=92, description="Noticed in the last so many days.")


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
    next_page: str


class Decision(Model):
    """What a person says of an incident."""

    note: str = Field("", max_length=2000, description="Why, for colleagues.")


def list_incidents(ask: Ask[IncidentsQuery, None], services: Services) -> IncidentList:
    """List what needs a person's eye."""
    place = read_cursor(ask.query.page, 2)
    found = _found(
        services,
        since=services.now().date() - timedelta(days=ask.query.days),
        conversion=ask.query.conversion,
        code=ask.query.code,
        state=str(ask.query.state),
        search=ask.query.search,
        before=read_moment(place[0]) if place else None,
        before_id=place[1] if place else "",
        limit=ask.query.limit + 1,
    )
    page = found[: ask.query.limit]
    # one more than the page was asked for, which saves the question whether there is another
    more = len(found) > len(page)
    return IncidentList(
        incidents=page,
        next_page=cursor(page[-1].recorded_at.isoformat(), page[-1].incident_id) if more else "",
    )


def acknowledge(ask: Ask[Nothing, Decision], services: Services) -> Incident:
    """Acknowledge an open incident: somebody looks after it, however often it is seen again."""
    return _decided(ask, State.ACKNOWLEDGED, services)


def resolve(ask: Ask[Nothing, Decision], services: Services) -> Incident:
    """Resolve an incident: when it is seen again, it is open again."""
    return _decided(ask, State.RESOLVED, services)


def _decided(ask: Ask[Nothing, Decision], state: State, services: Services) -> Incident:
    id, now = ask.path["incident_id"], services.now().astimezone(UTC)
    log = IncidentLog(services.warehouse, "api", now)
    log.decide(id, state, by=ask.author, note=ask.body.note)
    # read back, as its days follow from all of its entries; since the day of this one, because
    # another may have begun meanwhile
    return _found(services, since=now.date(), id=id, limit=1)[0]


def _found(
    services: Services,
    *,
    since: date,
    id: str = "",
    conversion: str = "",
    code: str = "",
    state: str = "",
    search: str = "",
    before: datetime | None = None,
    before_id: str = "",
    limit: int,
) -> list[Incident]:
    """The incidents that fit and were noticed or decided since the day, the newest first."""
    # all that is known of each: it may have begun long before the days that are listed
    known = current(services.warehouse, services.now().date() - REACH)
    bound = with_parameters(
        template(__file__, current=known),
        since=since,
        id=id,
        conversion=conversion,
        code=code,
        state=state,
        search=search,
        before=Parameter("TIMESTAMP", before),
        before_id=before_id,
        limit=limit,
    )
    return [Incident(**row) for row in services.warehouse.rows(bound)]
