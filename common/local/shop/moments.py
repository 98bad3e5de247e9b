"""Moments, in microseconds since 1970 as GA4 counts them, and the days on which they fall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
REWRITES = 3
"""GA4 writes a day's table again while events arrive: on the three days after it."""
LATE_DAY, LATE_BY = 26, 8
"""Counted from the first day, the one whose table is there only so many days after it, long after
its neighbours. Source: github.com/department-of-veterans-affairs/va.gov-team/issues/15747."""
REWRITTEN_DAY, REWRITTEN_BY = 20, 9
"""The one whose table GA4 writes once more, and how many days after it."""


@dataclass(frozen=True)
class Period:
    """`days` days from `start`, in the zone of the project and in that of the GA4 property."""

    start: date
    days: int
    zone: ZoneInfo
    property_zone: ZoneInfo

    @property
    def end(self) -> date:
        """The first day after it."""
        return self.start + timedelta(days=self.days)

    @property
    def modern_from(self) -> date:
        """The first day whose table has the columns that GA4 added last."""
        # even the smallest shop has tables of both ages
        return self.start + timedelta(days=min(5, self.days // 4))

    def moment(self, day: date, seconds: float) -> int:
        """The moment at which the project's clocks show that many seconds after midnight."""
        return midnight(day, self.zone) + round(seconds * SECOND)

    def contains(self, moment: int) -> bool:
        """Whether the moment lies in the period, by the project's calendar."""
        return self.start <= self.day(moment) < self.end

    def day(self, moment: int) -> date:
        """The project's day of the moment."""
        return _day(moment, self.zone)

    def lands(self, day: date) -> int:
        """How many days after a day of the property its table is there."""
        return LATE_BY if day == self.start + timedelta(days=LATE_DAY) else 1

    def is_rewritten(self, day: date) -> bool:
        """Whether GA4 writes the day's table again when nobody expects it any more."""
        return day == self.start + timedelta(days=REWRITTEN_DAY)

    def shard(self, moment: int) -> date:
        """The property's day of the moment, which names its table."""
        return _day(moment, self.property_zone)


def midnight(day: date, zone: ZoneInfo) -> int:
    """The moment at which the day begins in the zone."""
    return round(datetime.combine(day, time.min, zone).timestamp()) * SECOND


def instant(moment: int) -> datetime:
    """The moment as a datetime in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)


def written(moment: int) -> str:
    """The moment as BigQuery reads a TIMESTAMP in JSON."""
    return instant(moment).strftime("%Y-%m-%d %H:%M:%S.%f UTC")


def _day(moment: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(moment // SECOND, zone).date()
