"""The daily tables of a GA4 export: which there are, and whether one is what it was when read.

GA4 writes a day's table again for three days and now and then later; a day may land days late,
after its neighbours. A table's rows and its last change tell that without a scan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from common.bigquery.sql import template
from common.bigquery.warehouse import TableVersion, Warehouse

Versions = Mapping[tuple[str, str], TableVersion]
"""(dataset, name of the daily table) → what it is."""

DAILY = "events_20*"
"""The daily tables of a property. `events_*` fails as soon as there is a view of such a name, and
has the columns of an intraday table when one was created last."""


def suffix(day: str) -> str:
    """What _TABLE_SUFFIX of `DAILY` is for the day YYYYMMDD."""
    return day[2:]


def shard_days(tables: Iterable[str]) -> list[str]:
    """The suffixes YYYYMMDD of the daily shards among the table names, oldest first."""
    suffixes = (name.removeprefix("events_") for name in tables if name.startswith("events_"))
    return sorted(suffix for suffix in suffixes if len(suffix) == 8 and suffix.isdigit())


def newest_shard(tables: Iterable[str]) -> str | None:
    """The name of the newest daily shard."""
    days = shard_days(tables)
    return f"events_{days[-1]}" if days else None


def around(start: date, end: date) -> tuple[str, str]:
    """Names of the first and the last daily table in which these days of the project may lie."""
    return tuple(
        f"events_{day:%Y%m%d}" for day in (start - timedelta(days=1), end + timedelta(days=1))
    )  # type: ignore[return-value]


def versions(warehouse: Warehouse, start: date, end: date) -> Versions:
    """What the daily tables of these days of every configured property are now."""
    first, last = around(start, end)
    return {
        (dataset, name): version
        for dataset in warehouse.settings.ga4_datasets
        for name, version in warehouse.table_versions(dataset, first, last).items()
        if shard_days([name])
    }


def read(warehouse: Warehouse) -> Versions:
    """What each daily table was when the stage read it last."""
    sql = template(__file__, shards=warehouse.table("ga4_shards"))
    return {
        (row["dataset"], row["shard"]): TableVersion(row["rows_total"], row["changed_at"])
        for row in warehouse.rows(sql)
    }


def changed_days(
    now: Versions, then: Versions, staged_at: Mapping[date, datetime]
) -> frozenset[date]:
    """Days of the project that must be read again: their tables landed or changed since.

    A day that was read before tables were remembered counts as read as it was at that time.
    """
    found = set()
    for key, version in now.items():
        day = date.fromisoformat(key[1].removeprefix("events_"))
        if day not in staged_at or then.get(key) == version:
            continue
        if key not in then and version.changed_at and version.changed_at <= staged_at[day]:
            continue
        found |= {day + timedelta(days=number) for number in (-1, 0, 1)}
    return frozenset(found & staged_at.keys())


def entries(
    now: Versions, start: date, end: date, run_id: str, at: datetime
) -> list[dict[str, object]]:
    """Rows of ga4_shards about the tables that a read of these days has seen whole."""
    first, last = (f"events_{day:%Y%m%d}" for day in (start, end))
    return [
        {
            "date": at.date(),
            "recorded_at": at,
            "run_id": run_id,
            "dataset": dataset,
            "shard": name,
            "rows_total": version.rows,
            "changed_at": version.changed_at,
        }
        for (dataset, name), version in sorted(now.items())
        if first <= name <= last
    ]
