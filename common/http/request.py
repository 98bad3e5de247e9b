"""What every handler gets: one request, already read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from common.errors import UserError
from common.http.identity import Identity
from common.http.model import Model
from common.model.window import Window

DEFAULT_DAYS = 30
MAXIMUM_DAYS = 1100
FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2099, 12, 31)

Query = TypeVar("Query")
Body = TypeVar("Body")


def _written(value: Any) -> Any:
    """Only YYYY-MM-DD: a number would be taken for seconds since 1970."""
    # a date is one already; a number goes on to pydantic, which refuses it in its strict mode
    if not isinstance(value, str):
        return value
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError("must be a valid date, written YYYY-MM-DD")


def _bounded(day: date) -> date:
    if FIRST_DAY <= day <= LAST_DAY:
        return day
    raise ValueError(f"must be a day from {FIRST_DAY} to {LAST_DAY}")


Day = Annotated[date, BeforeValidator(_written), AfterValidator(_bounded)]
"""A day that calendars, BigQuery and our own arithmetic can all hold."""


def _aware(moment: datetime) -> datetime:
    if not FIRST_DAY <= moment.date() <= LAST_DAY:
        raise ValueError(f"must lie between {FIRST_DAY} and {LAST_DAY}")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_aware)]
"""A moment with its time zone, in years that every part of the product can hold."""

Text = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text of one line, such as an id or a search."""


@dataclass(frozen=True)
class Ask(Generic[Query, Body]):
    """One request: parts of its path, its query string and body as models, and who sent it."""

    path: Mapping[str, str]
    query: Query
    body: Body
    # whoever forgets to say who asks gets the least role
    who: Identity = field(default_factory=lambda: Identity("unknown", "viewer"))
    key: str = ""
    """Idempotency-Key: the same key asks for the same thing, however often it arrives."""
    expected_version: int | None = None
    """If-Match: the version that the sender has seen."""
    request_id: str = ""
    """Finds the request in the log."""

    @property
    def author(self) -> str:
        """The account as versions and notes name it."""
        return self.who.email


class Nothing(Model):
    """No query parameters."""


class Days(Model):
    """A window of days in the project's time zone, both ends inclusive."""

    start_date: Day | None = Field(
        None, description=f"First day; {DEFAULT_DAYS} days up to end_date unless given."
    )
    end_date: Day | None = Field(None, description="Last day; yesterday unless given.")


def window_of(days: Days, last: date) -> Window:
    """The days asked for, else the 30 days up to `last`; raises UserError for none or too many."""
    # a start in the future is answered with its own day, not with a window that ends before it
    end = days.end_date or max(last, days.start_date or last)
    start = days.start_date or end - timedelta(days=DEFAULT_DAYS - 1)
    check_window(start, end)
    return Window(start, end)


def check_window(start: date, end: date, maximum: int = MAXIMUM_DAYS) -> None:
    """Raise UserError unless the window has at least one day and at most the maximum."""
    if end < start:
        raise UserError(
            f"The window ends on {end}, before it starts on {start}.",
            code="empty_window",
            fix="Swap start_date and end_date.",
            field="end_date",
        )
    if (end - start).days >= maximum:
        raise UserError(
            f"The window from {start} to {end} is longer than {maximum} days.",
            code="window_too_long",
            fix="Ask for a shorter one, several times.",
            field="start_date",
        )
