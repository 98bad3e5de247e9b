"""Volume: days with far fewer conversions than usual, in which property, and where to look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from common.bigquery.sql import Parameter, Sql, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import DefinitionVersion
from common.ga4 import shards
from common.incidents.incidents import Incident
from common.incidents.silence import GONE, Silence, silence
from common.model.window import Window

USUAL_ROWS = 10
"""Weekdays with fewer conversions on average are too quiet to hold an answer without any row."""
DAYS = 30
"""So many days up to the judged one are looked at."""

Days = Mapping[date, int]
"""Day → how many."""
Properties = Mapping[str, Days]


@dataclass(frozen=True)
class Told:
    """Up to which day the tables of a property tell of it, and how many days without a gap."""

    until: date
    days: int

    def days_up_to(self, day: date) -> int:
        """Of the days without a gap those up to the day."""
        return self.days - (self.until - day).days


def incidents(
    warehouse: Warehouse, stored: DefinitionVersion, until: date, counts: Days
) -> Iterator[Incident]:
    """What is quiet up to the day `until` of the conversions of each day.

    Each property speaks for itself, beside its own traffic; where none does, all of them together.
    Of one whose tables are not there it is said that they are missing: that is a better cause.
    """
    own = by_property(warehouse, stored, until)
    # the export is asked only where it matters; what is quiet beside traffic is quiet alone
    if not any(_may_be_quiet(until, each) for each in (counts, *own.values())):
        return
    of = visits(warehouse, until)
    if not stored.conversion.follows_ga4:
        # a query counts days of which GA4 may tell later
        there = [name for name, days in of.items() if days.get(until)]
        yield from _low(stored, until, quiet(until, counts, _summed(of, there)))
        return
    told = _told(warehouse, until)
    alone = [
        incident
        for name, days in told.items()
        for incident in _low(
            stored,
            days.until,
            quiet(days.until, own.get(name, {}), of.get(name, {}), days.days),
            name,
        )
    ]
    yield from alone or _together(stored, counts, own, of, told)


def _together(
    stored: DefinitionVersion,
    counts: Days,
    own: Properties,
    of: Properties,
    told: Mapping[str, Told],
) -> Iterator[Incident]:
    """What all properties that are told of say together."""
    ended = of.keys() - told.keys()
    # conversions end with an export, and where they are not known apart nobody can say
    if not told or (ended and not own):
        return
    until = min(days.until for days in told.values())
    days = min(days.days_up_to(until) for days in told.values())
    lost = _summed(own, ended)
    rest = {day: count - lost.get(day, 0) for day, count in counts.items()}
    yield from _low(stored, until, quiet(until, rest, _summed(of, told), days))


def _summed(of: Properties, names: Collection[str]) -> Days:
    total: Counter[date] = Counter()
    for name in names:
        total.update(of.get(name, {}))
    return total


def by_property(warehouse: Warehouse, stored: DefinitionVersion, until: date) -> Properties:
    """Property → its conversions on each of the DAYS up to `until`; {} where there is but one, or
    they are not events themselves."""
    if len(warehouse.settings.ga4_datasets) < 2 or not stored.conversion.events():
        return {}
    sql = template(
        __file__,
        "volume_properties",
        target=warehouse.table(f"conversion_{stored.id}"),
        stage=warehouse.table("ga4_events"),
    )
    names = Parameter("ARRAY<STRING>", sorted(stored.conversion.events()))
    return _days(warehouse, with_parameters(sql, names=names, **_up_to(until)))


def visits(warehouse: Warehouse, until: date) -> Properties:
    """Property → its visits on each of the DAYS up to `until`."""
    sql = template(__file__, "volume_visits", visits=warehouse.table("ga4_visits"))
    return _days(warehouse, with_parameters(sql, **_up_to(until)))


def _up_to(until: date) -> dict[str, object]:
    days = Window.ending(until, DAYS)
    return {"start_date": days.start, "end_date": days.end}


def _days(warehouse: Warehouse, sql: Sql) -> Properties:
    found: dict[str, dict[date, int]] = {}
    for row in warehouse.rows(sql):
        found.setdefault(row["property"], {})[row["date"]] = row["seen"]
    return found


def _told(warehouse: Warehouse, until: date) -> dict[str, Told]:
    """The properties that tell of the day `until`, or of the one before."""
    found = {name: told(warehouse, name, until) for name in warehouse.settings.ga4_datasets}
    return {name: days for name, days in found.items() if days}


def told(warehouse: Warehouse, name: str, until: date) -> Told | None:
    """What the property tells up to the newest of two days that is there whole; None without."""
    there = shards.readable(warehouse, name, until).keys()
    for day in (until, until - timedelta(days=1)):
        if day in there and (day + timedelta(days=1) in there or _is_whole(warehouse, name, day)):
            # days before the first table are none that is missing
            gone = (
                each for each in Window.ending(day, DAYS).dates if min(there) < each not in there
            )
            return Told(day, (day - max(gone, default=day - timedelta(days=DAYS))).days)
    return None


def _is_whole(warehouse: Warehouse, name: str, day: date) -> bool:
    """Whether the property's daily table of the day holds no hour of the day before, by the stage.

    Where a property's days begin earlier than the project's, the last hours of a day come with the
    table of the next: until then it is as low as it is young.
    """
    sql = template(__file__, stage=warehouse.table("ga4_events"))
    before = day - timedelta(days=1)
    bound = with_parameters(sql, property=name, day_before=before, shard=f"{day:%Y%m%d}")
    return not any(warehouse.rows(bound))


def _may_be_quiet(until: date, counts: Days) -> bool:
    return any(quiet(day, counts, {}) for day in (until, until - timedelta(days=1)))


def quiet(day: date, counts: Days, visits: Days, reach: int = DAYS) -> Silence | None:
    """The last days up to `day`, at most `reach`, where they are far quieter than usual; without
    visits the judgement is the stricter one."""
    days = list(Window.ending(day, DAYS).dates)
    return silence([counts.get(it, 0) for it in days], [visits.get(it, 0) for it in days], reach)


def _low(
    stored: DefinitionVersion, day: date, found: Silence | None, property: str = ""
) -> list[Incident]:
    return [low(stored, day, found, property)] if found else []


def low(stored: DefinitionVersion, day: date, found: Silence, property: str = "") -> Incident:
    """The incident of the last days up to `day`, of the property or of all, as quiet as this."""
    when = f"on {day}" if found.days == 1 else f"in the {found.days} days up to {day}"
    where = f" of {property}" if property else ""
    return Incident(
        "silence",
        f"{stored.id}: {found.seen:,} conversions{where} {when}, usually about {found.usual:,.0f}."
        + _of_traffic(found),
        fix=_where_to_look(stored, found),
        subject=stored.id,
        object=property,
        severity="warning",
    )


def _where_to_look(stored: DefinitionVersion, found: Silence) -> str:
    is_traffic_gone = found.traffic is not None and found.traffic < GONE
    broken = "tracking may be broken" + (" on the whole site" if is_traffic_gone else "")
    if stored.conversion.follows_ga4:
        return (
            f"GA4 has exported these days, so {broken}: look in GA4's reports whether the events"
            " still come, and whether they still hold what the filters ask for."
        )
    tables = ", ".join(stored.referenced_tables) or "the tables of its query"
    return f"Check whether {tables} has landed; if it has, {broken}."


def _of_traffic(found: Silence) -> str:
    if found.traffic is None:
        return ""
    return f" Visits are at {found.traffic:.0%} of their usual."
