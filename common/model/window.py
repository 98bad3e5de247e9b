"""Windows of days in the project's time zone, both ends inclusive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LATE_DAYS = 4
"""GA4 rewrites a day's table for up to 72 hours, and where the property's days begin later than the
project's, the last hours of a day lie in the next day's table."""


@dataclass(frozen=True)
class Window:
    """All days from `start` to `end`; raises ValueError when there is none."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"the window ends on {self.end}, before it starts on {self.start}")

    @classmethod
    def ending(cls, end: date, days: int) -> Window:
        """The `days` days up to and including `end`."""
        return cls(end - timedelta(days=days - 1), end)

    @property
    def days(self) -> int:
        """How many days it holds, first and last included."""
        return (self.end - self.start).days + 1

    @property
    def dates(self) -> Iterator[date]:
        """Each day, in order."""
        return (self.start + timedelta(days=number) for number in range(self.days))

    def chunks(self, days: int) -> Iterator[Window]:
        """The window in ascending pieces of at most `days` days."""
        start = self.start
        while start <= self.end:
            end = min(start + timedelta(days=days - 1), self.end)
            yield Window(start, end)
            start = end + timedelta(days=1)


def yesterday(now: datetime, timezone: str) -> date:
    """The last complete day of the project at the moment `now` (with time zone)."""
    # a day less and not 24 hours: on the day of a change of the clocks they differ
    return now.astimezone(ZoneInfo(timezone)).date() - timedelta(days=1)


def day_over(day: date, timezone: str) -> datetime:
    """The moment at which the day is over in the time zone."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone))
