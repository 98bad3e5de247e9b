"""How new the sources are: GA4's daily tables, and the tables that definitions read."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from common.catalog.soundness import sound
from common.errors import AccessError, NotFoundError
from common.ga4.shards import shard_days
from common.http.model import Model
from common.http.request import Ask, Nothing
from functions.api.services import Services

LATE_DAYS = 2
"""GA4 may bring a day this late; a table that is read daily may miss one."""

State = Literal["fresh", "late", "missing", "unknown"]


class Property(Model):
    """A GA4 property's export."""

    dataset: str
    newest_day: date | None
    oldest_day: date | None
    days: int = Field(description="Daily tables that there are.")
    state: State


class Source(Model):
    """A table that conversions read."""

    table: str
    read_by: list[str] = Field(description="Ids of the conversions.")
    changed_at: datetime | None = Field(description="When its rows changed last; null is unknown.")
    state: State


class Freshness(Model):
    """How new everything is that conversions are computed from."""

    yesterday: date = Field(description="The last complete day in the project's time zone.")
    properties: list[Property]
    sources: list[Source]


def freshness(ask: Ask[Nothing, None], services: Services) -> Freshness:
    """Read how new the sources are."""
    return Freshness(
        yesterday=services.yesterday,
        properties=[_property(name, services) for name in services.settings.ga4_datasets],
        sources=[_source(table, ids, services) for table, ids in _readers(services).items()],
    )


def _property(dataset: str, services: Services) -> Property:
    try:
        days = [
            datetime.strptime(day, "%Y%m%d").date()
            for day in shard_days(services.warehouse.tables_in(dataset))
        ]
    except NotFoundError:
        days = []
    except AccessError:
        # what may not be looked at may be there
        return Property(dataset=dataset, newest_day=None, oldest_day=None, days=0, state="unknown")
    newest = max(days, default=None)
    return Property(
        dataset=dataset,
        newest_day=newest,
        oldest_day=min(days, default=None),
        days=len(days),
        state=_state_of_day(newest, services),
    )


def _state_of_day(newest: date | None, services: Services) -> State:
    if newest is None:
        return "missing"
    return "fresh" if newest >= services.yesterday - timedelta(days=LATE_DAYS) else "late"


def _readers(services: Services) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for stored in sound(services.catalog.active()):
        for table in stored.referenced_tables:
            # a wildcard has no moment of change; daily tables are those of the properties above
            if not table.endswith("*"):
                found.setdefault(table, []).append(stored.id)
    return dict(sorted(found.items()))


def _source(table: str, ids: list[str], services: Services) -> Source:
    try:
        info = services.runner.table_info(table)
    except AccessError:
        return Source(table=table, read_by=ids, changed_at=None, state="unknown")
    if info is None:
        return Source(table=table, read_by=ids, changed_at=None, state="missing")
    state: State = "unknown"
    if info.changed_at:
        zone = ZoneInfo(services.settings.timezone)
        state = _state_of_day(info.changed_at.astimezone(zone).date(), services)
    return Source(table=table, read_by=ids, changed_at=info.changed_at, state=state)
