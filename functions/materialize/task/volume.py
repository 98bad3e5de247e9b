"""Volume: days with far fewer conversions than usual, and the table to look at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from common.bigquery.sql import template, with_parameters
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


def is_whole(warehouse: Warehouse, day: date) -> bool:
    """Whether GA4's daily table of the day holds no hour of the day before, by the stage.

    Where a property's days begin earlier than the project's, the last hours of a day come with the
    table of the next: until then it is as low as it is young.
    """
    sql = template(__file__, stage=warehouse.table("ga4_events"))
    bound = with_parameters(sql, day_before=day - timedelta(days=1), shard=f"{day:%Y%m%d}")
    return not any(warehouse.rows(bound))


def is_told(warehouse: Warehouse, day: date) -> bool:
    """Whether each property that told of the week before has a table of the day.

    Of one that has none yet it is said that it has none: that is a better cause than its tags.
    """
    week = {day - timedelta(days=number) for number in range(1, 8)}
    known = (shards.readable(warehouse, name, day) for name in warehouse.settings.ga4_datasets)
    return all(day in tables or not week & tables.keys() for tables in known)


def visits(warehouse: Warehouse, until: date) -> dict[date, int]:
    """Day → visits of all properties, of the DAYS up to `until`."""
    sql = template(__file__, "volume_visits", visits=warehouse.table("ga4_visits"))
    days = Window.ending(until, DAYS)
    bound = with_parameters(sql, start_date=days.start, end_date=days.end)
    return {row["date"]: row["visits"] for row in warehouse.rows(bound)}


def quiet(day: date, counts: Mapping[date, int], visits: Mapping[date, int]) -> Silence | None:
    """The last days up to `day` where they are far quieter than usual; without visits the judgement
    is the stricter one."""
    days = list(Window.ending(day, DAYS).dates)
    return silence([counts.get(each, 0) for each in days], [visits.get(each, 0) for each in days])


def low(stored: DefinitionVersion, day: date, found: Silence) -> Incident:
    """The incident of the last days up to `day` that are as quiet as this."""
    tables = ", ".join(stored.referenced_tables) or f"the GA4 table of {day}"
    when = f"on {day}" if found.days == 1 else f"in the {found.days} days up to {day}"
    is_traffic_gone = found.traffic is not None and found.traffic < GONE
    return Incident(
        "silence",
        f"{stored.id}: {found.seen:,} conversions {when}, usually about {found.usual:,.0f}."
        + _of_traffic(found),
        fix=f"Check whether {tables} has landed; if it has, tracking may be broken"
        + (" on the whole site." if is_traffic_gone else "."),
        subject=stored.id,
        severity="warning",
    )


def _of_traffic(found: Silence) -> str:
    if found.traffic is None:
        return ""
    return f" Visits are at {found.traffic:.0%} of their usual."
