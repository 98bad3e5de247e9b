"""Volume: a day with far fewer conversions than its weekday had, and the table to look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from common.bigquery.sql import template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import DefinitionVersion
from common.ga4 import shards
from common.incidents.incidents import Incident

USUAL_ROWS = 10
"""Weekdays with fewer conversions on average are too quiet to judge."""
SHARE = 0.4
"""A day below this share of its weekday's average is reported."""
BY_CHANCE = 2.5
"""So many roots of the average a day may fall short by chance: where ten a day are usual, three
come once in three months."""


def is_low(seen: int, usual: float) -> bool:
    """Whether a day has far fewer conversions than its weekday usually has, by no chance."""
    is_chance = seen >= usual - BY_CHANCE * usual**0.5
    return usual >= USUAL_ROWS and seen < SHARE * usual and not is_chance


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


def low(stored: DefinitionVersion, day: date, *, seen: int, usual: float) -> Iterator[Incident]:
    """The incident of a day of which so few conversions are seen beside the usual number of its
    weekday, if they are few."""
    if is_low(seen, usual):
        tables = ", ".join(stored.referenced_tables) or f"the GA4 table of {day}"
        yield Incident(
            "silence",
            f"{stored.id}: {seen} conversions on {day}, usually about {usual:.0f}.",
            fix=f"Check whether {tables} has landed; if it has, tracking may be broken.",
            subject=stored.id,
            severity="warning",
        )
