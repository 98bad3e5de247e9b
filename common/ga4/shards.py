"""The tables of a GA4 export: which of a day to read, and whether one is what it was when read.

GA4 writes a day's table again for three days and now and then later; a day may land days late,
after its neighbours. A table's rows and its last change tell that without a scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from common.bigquery.sql import Parameter, Sql, fill, join, table, template
from common.bigquery.warehouse import TableVersion, Warehouse
from common.model.window import Window

Day = tuple[str, date]
"""A property's dataset and a day of it."""
Versions = Mapping[tuple[str, str], TableVersion]
"""(dataset, name of the table) → what it is."""

STEMS = {"events_": False, "events_fresh_": True, "events_intraday_": True}
"""Beginnings of the names of tables of events, the best one of a day first, and whether what they
say is preliminary: counts and attribution differ until the daily table lands.
Source: support.google.com/analytics/answer/15502882."""
STREAMING_DAYS = 3
"""A day that has had no daily table for 72 hours after its end may be read as it was streamed."""


def shard_days(tables: Iterable[str], stem: str = "events_") -> list[str]:
    """The suffixes YYYYMMDD of the tables of this stem among the names, oldest first."""
    suffixes = (name.removeprefix(stem) for name in tables if name.startswith(stem))
    return sorted(suffix for suffix in suffixes if _is_day(suffix))


def _is_day(suffix: str) -> bool:
    # a copy may be called events_20240230, and one such name would stop every run
    if not re.fullmatch("20[0-9]{6}", suffix):
        return False
    try:
        date.fromisoformat(suffix)
    except ValueError:
        return False
    return True


def stem_of(name: str) -> str:
    """The name of a table of events without its day."""
    return name[:-8]


def day_of(name: str) -> date:
    """The property's day that the table of events holds."""
    return date.fromisoformat(name[-8:])


def chosen(tables: Iterable[str], streamed_until: date | None) -> dict[date, str]:
    """Day → the table to read: the daily one, else the fresh one, else that of the stream.

    Streams are read up to the day `streamed_until`, never where it is None.
    """
    listed = list(tables)
    found: dict[date, str] = {}
    for stem in STEMS:
        for suffix in shard_days(listed, stem):
            day = date.fromisoformat(suffix)
            is_early = streamed_until is None or day > streamed_until
            if not (stem == "events_intraday_" and is_early):
                # the stems stand in order of trust, so the first table of a day is its best
                found.setdefault(day, f"{stem}{suffix}")
    return dict(sorted(found.items()))


def readable(warehouse: Warehouse, dataset: str, yesterday: date) -> dict[date, str]:
    """Day → the table of the property to read, as it is the day after `yesterday`.

    None of a day whose daily table was read and is gone: it stays as that table told it last.
    """
    until = yesterday - timedelta(days=STREAMING_DAYS) if warehouse.settings.ga4_streaming else None
    found = chosen(warehouse.tables_in(dataset), until)
    gone = _gone(warehouse, dataset, found)
    return {day: name for day, name in found.items() if day not in gone}


def _gone(warehouse: Warehouse, dataset: str, found: Mapping[date, str]) -> set[date]:
    """The days told by a preliminary table alone whose daily table was read before."""
    preliminary = {day for day, name in found.items() if STEMS[stem_of(name)]}
    # most exports have daily tables alone, and ask nothing; what a run asks again is the same text,
    # which BigQuery answers from its cache until more tables are read
    known = read(warehouse) if preliminary else {}
    return {day for day in preliminary if (dataset, f"events_{day:%Y%m%d}") in known}


def together(dataset: str, names: Iterable[str], *columns: str) -> Sql:
    """The rows of these tables of project.dataset, in brackets: these columns alone, else all, and
    table_day, the day of the table as YYYYMMDD.

    Through a wildcard a view whose name begins alike fails the query, and a table beside them, such
    as a copy of one or a newer one without some column, may decide which columns all of them have.
    """
    read = ", ".join(f"event.{column}" for column in columns)
    read_of = {name: read or f"'{day_of(name):%Y%m%d}' AS table_day, *" for name in names}
    each = (
        Sql(f"SELECT {it} FROM {table(f'{dataset}.{name}')} AS event")
        for name, it in read_of.items()
    )
    return Sql(f"({join(' UNION ALL ', each)})")


def around(window: Window) -> Window:
    """The days of a property in which these days of the project may lie."""
    return Window(window.start - timedelta(days=1), window.end + timedelta(days=1))


def versions(warehouse: Warehouse, window: Window, yesterday: date) -> Versions:
    """What the tables to read for these days of every configured property are now."""
    wide = around(window)
    found: dict[tuple[str, str], TableVersion] = {}
    for dataset in warehouse.settings.ga4_datasets:
        tables = readable(warehouse, dataset, yesterday)
        names = {name for day, name in tables.items() if wide.start <= day <= wide.end}
        # one statement a stem: names of one stem sort by their day, those of several do not
        for stem in sorted({stem_of(name) for name in names}):
            first, last = (f"{stem}{day:%Y%m%d}" for day in (wide.start, wide.end))
            known = warehouse.table_versions(dataset, first, last)
            found |= {(dataset, name): known[name] for name in names & known.keys()}
    return found


def is_told(row: str, shard: str = "") -> Sql:
    """Whether a table that is there tells the row: the one door for what a deleted table leaves.

    What came in a table that is gone, deleted or expired, is kept as it was told last. The table is
    the row's own `shard` unless named; of rows that know none the whole day has to be there.
    Parameters as `told` binds them.
    """
    return fill(
        "IF({{ shard }} IS NULL,"
        " CONCAT({{ row }}.property, '/', FORMAT_DATE('%Y%m%d', {{ row }}.date)) IN UNNEST(@whole),"
        " CONCAT({{ row }}.property, '/', {{ shard }}) IN UNNEST(@existing))",
        row=row,
        shard=shard or f"{row}.shard",
    )


def day_of_row(row: str) -> str:
    """A STRING expression: the row's day, and its table where that is another day's.

    Where a property's days are the project's, keys made of it are those of before tables were kept.
    """
    day = f"CAST({row}.date AS STRING)"
    other = f"{row}.shard <> FORMAT_DATE('%Y%m%d', {row}.date)"
    return f"IF({other}, CONCAT({day}, '/', {row}.shard), {day})"


def told(
    warehouse: Warehouse, seen: Versions, window: Window, yesterday: date
) -> dict[str, Parameter]:
    """existing, whole: the daily tables that are there, and the days that they tell whole."""
    return {
        "existing": existing(seen),
        "whole": whole_days(warehouse, seen, window, yesterday),
    }


def existing(seen: Versions) -> Parameter:
    """The daily tables that there are, as property/YYYYMMDD."""
    return Parameter("ARRAY<STRING>", sorted(f"{dataset}/{name[-8:]}" for dataset, name in seen))


def whole_days(warehouse: Warehouse, seen: Versions, window: Window, yesterday: date) -> Parameter:
    """The days of the project that the daily tables `seen` tell whole, as property/YYYYMMDD.

    A property whose days begin at another hour tells a day in two tables. Where the one before or
    after was read once and is gone by now, deleted or expired, less is read than was there. A day
    that never had a table of its own is whole where one beside it is there.
    """
    there = {(dataset, day_of(name)) for dataset, name in seen}
    looked_at = [day for day in around(window).dates if day <= yesterday]
    lacking = {(dataset, day) for dataset, _ in there for day in looked_at} - there
    # most runs lack none, and ask nothing
    known = {(dataset, day_of(name)) for dataset, name in (read(warehouse) if lacking else ())}
    whole = (there | _told_beside(lacking, there, known)) - _beside(lacking & known)
    return Parameter("ARRAY<STRING>", [f"{dataset}/{day:%Y%m%d}" for dataset, day in sorted(whole)])


def _told_beside(lacking: set[Day], there: set[Day], known: set[Day]) -> set[Day]:
    """Days that never had a table, of which one beside it tells hours."""
    # of days before the first that is remembered nobody knows whether they had one
    began = {dataset: day - timedelta(days=1) for dataset, day in sorted(known, reverse=True)}
    never = {it for it in lacking - known if it[0] in began and it[1] >= began[it[0]]}
    return never & _beside(there)


def _beside(days: set[Day]) -> set[Day]:
    return {(dataset, day + timedelta(days=number)) for dataset, day in days for number in (-1, 1)}


def read(warehouse: Warehouse) -> Versions:
    """What each table was when the stage read it last."""
    sql = template(__file__, shards=warehouse.table("ga4_shards"))
    return {
        (row["dataset"], row["shard"]): TableVersion(row["rows_total"], row["changed_at"])
        for row in warehouse.rows(sql)
    }


def changed_days(
    now: Versions, then: Versions, staged_at: Mapping[date, datetime]
) -> frozenset[date]:
    """Days of the project whose tables landed or changed since they were read, or could have been.

    A day that was read before tables were remembered counts as read as it was at that time, and
    one older than the stage as looked for when the stage was begun.
    """
    found: set[date] = set()
    began = min(staged_at.values())
    for key, version in now.items():
        day = day_of(key[1])
        if then.get(key) == version:
            continue
        # not changed since is as good as the same
        looked_at = staged_at.get(day, began)
        if key not in then and version.changed_at and version.changed_at <= looked_at:
            continue
        # a property in another time zone keeps a day's hours in the tables around it
        found |= {day + timedelta(days=number) for number in (-1, 0, 1)}
    return frozenset(found)


def entries(now: Versions, window: Window, run_id: str, at: datetime) -> list[dict[str, object]]:
    """Rows of ga4_shards about the tables that a read of these days has seen whole."""
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
        if window.start <= day_of(name) <= window.end
    ]
