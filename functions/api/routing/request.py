"""What every handler gets: one request, already read and checked, and the services around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

from pydantic import Field

from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Catalog
from common.errors import UserError
from common.messaging.publisher import Bus
from common.model.window import Window, yesterday
from common.settings import Settings
from functions.api.routing.model import Model
from functions.api.runs.scheduler import Scheduler

DEFAULT_DAYS = 30
MAXIMUM_DAYS = 1100

Query = TypeVar("Query")
Body = TypeVar("Body")


@dataclass(frozen=True)
class Ask(Generic[Query, Body]):
    """One request: parts of its path, its query string and body as models, and who sent it."""

    path: Mapping[str, str]
    query: Query
    body: Body
    author: str = "unknown"
    key: str = ""
    """Idempotency-Key: the same key asks for the same thing, however often it arrives."""
    expected_version: int | None = None
    """If-Match: the version that the sender has seen."""


@dataclass(frozen=True)
class Services:
    """Clients and clock; those that are slow to import are made when first called for."""

    settings: Settings
    warehouse: Warehouse
    runner: Warehouse
    """The warehouse under the identity that may run users' SQL."""
    bus: Callable[[], Bus]
    scheduler: Callable[[], Scheduler]
    now: Callable[[], datetime]

    @property
    def catalog(self) -> Catalog:
        """The conversions' definitions."""
        return Catalog(self.warehouse)

    @property
    def yesterday(self) -> date:
        """The project's last complete day."""
        return yesterday(self.now(), self.settings.timezone)


class Nothing(Model):
    """No query parameters."""


class Days(Model):
    """A window of days in the project's time zone, both ends inclusive."""

    start_date: date | None = Field(
        None, description=f"First day; {DEFAULT_DAYS} days up to end_date unless given."
    )
    end_date: date | None = Field(None, description="Last day; yesterday unless given.")


def window_of(days: Days, last: date) -> Window:
    """The days asked for, else the 30 days up to `last`; raises UserError for none or too many."""
    end = days.end_date or max(last, days.start_date or last)
    start = days.start_date or end - timedelta(days=DEFAULT_DAYS - 1)
    if end < start:
        raise UserError(
            f"The window ends on {end}, before it starts on {start}.",
            code="empty_window",
            fix="Swap start_date and end_date.",
            field="end_date",
        )
    if (end - start).days >= MAXIMUM_DAYS:
        raise UserError(
            f"The window from {start} to {end} is longer than {MAXIMUM_DAYS} days.",
            code="window_too_long",
            fix="Ask for a shorter one, several times.",
            field="start_date",
        )
    return Window(start, end)
