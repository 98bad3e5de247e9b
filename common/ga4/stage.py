"""What the stage holds of the raw GA4 export, what it lacks, and what reading that costs."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.bigquery.sql import Sql, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.cost.estimate import MINIMUM
from common.cost.forecast import Price, Table, forecast
from common.cost.sizes import Counted, alone, daily_tables, together
from common.ga4 import export, shards
from common.ga4.clicks import LONGEST
from common.ga4.export import Export
from common.model.run_status import RunStatus
from common.model.window import LATE_DAYS, Window
from common.settings import Settings

SPAN_DAYS = 31
"""Days of raw export that one write of the stage reads."""
BACKFILL_DAYS = 90
"""How far back a conversion begins that has never run, unless its run names the days."""
RULES = 2
"""Version of what a day in the stage holds. Days under an older one are read once more: 1 knew no
visits, clicks and orders of their own."""


@dataclass(frozen=True)
class Span:
    """Days of the raw export to read, and the events to take from them."""

    window: Window
    events: frozenset[str]


@dataclass(frozen=True)
class Piece:
    """What one statement reads of the raw export."""

    span: Span
    bytes: int
    """What it reads by the sizes of the tables."""

    @property
    def halves(self) -> list[Piece]:
        """The same days in two pieces, one alone as it is."""
        window = self.span.window
        return [
            Piece(Span(half, self.span.events), self.bytes // 2)
            for half in window.chunks((window.days + 1) // 2)
        ]


@dataclass(frozen=True)
class Staged:
    """What the stage holds of a day."""

    events: frozenset[str]
    at: datetime
    """When it was read last."""


def exports(warehouse: Warehouse, window: Window, yesterday: date) -> list[Export]:
    """What one statement reads of every GA4 property for these days; [] where there is nothing.

    Tables of one schema are read together; where a column came, went or changed its type in
    between, those of each schema for themselves, because a wildcard has the columns of one table.
    """
    found = []
    wide = shards.around(window)
    for dataset in warehouse.settings.ga4_datasets:
        by_schema: dict[tuple[bool, str], list[str]] = {}
        for day, name in shards.readable(warehouse, dataset, yesterday).items():
            if wide.start <= day <= wide.end:
                schema = json.dumps(warehouse.schema_of(f"{dataset}.{name}") or [], sort_keys=True)
                is_preliminary = shards.STEMS[shards.stem_of(name)]
                by_schema.setdefault((is_preliminary, schema), []).append(name)
        # a wildcard finds daily tables, also those of days that are read from no other
        alone = sum(not is_preliminary for is_preliminary, _ in by_schema) == 1
        found += [
            Export(
                dataset,
                json.loads(schema),
                ()
                if alone and not is_preliminary and not _misled(warehouse, dataset, window, schema)
                else tuple(names),
                is_preliminary,
            )
            for (is_preliminary, schema), names in by_schema.items()
        ]
    return found


def _misled(warehouse: Warehouse, dataset: str, window: Window, schema: str) -> bool:
    """Whether a wildcard over the days of the window would have other columns than this schema.

    It has those of the table that was created last, though it is not read: the newest day, an old
    one that was made anew, or a copy or a view whose name begins alike, which fails the query.
    """
    beginning = export.beginning(window)
    begun = [it for it in warehouse.tables_in(dataset) if it.startswith(beginning)]
    if len(shards.shard_days(begun)) < len(begun):
        return True
    newest = warehouse.schema_of(f"{dataset}.{begun[-1]}") or []
    return json.dumps(newest, sort_keys=True) != schema


def scan(warehouse: Warehouse, span: Span, yesterday: date) -> Sql | None:
    """The query that reads the span from the raw export; None when there is no export yet."""
    return scan_of(warehouse.settings, exports(warehouse, span.window, yesterday), span)


def scan_of(settings: Settings, found: Sequence[Export], span: Span) -> Sql | None:
    """The query that reads the span from these tables; None when there are none."""
    if not found:
        return None
    return export.scan(
        found, span.window, span.events, settings.timezone, properties=settings.ga4_datasets
    )


def pieces(
    warehouse: Warehouse, span: Span, yesterday: date, *, priced: bool = True
) -> list[Piece]:
    """The span in ascending pieces, each to be read by one statement under its byte cap.

    A day alone that is over the cap is a piece too: reading it fails, and says what it needs. The
    bytes of a piece that is not `priced` may be those of whole tables.
    """
    sizes = _sizes(warehouse, span.window, yesterday)
    chunks = [Span(chunk, span.events) for chunk in span.window.chunks(SPAN_DAYS)]
    whole = None if priced else _whole(sizes)
    # a run need not know which columns a statement reads where all of them are under the cap
    if whole is not None and whole <= warehouse.settings.maximum_bytes_billed:
        return [Piece(chunk, whole) for chunk in chunks]
    return [each for chunk in chunks for each in _fitting(warehouse, chunk, yesterday, sizes)]


@dataclass(frozen=True)
class Changed:
    """The days whose tables landed or changed since they were read, however old."""

    days: frozenset[date] = frozenset()
    """To be read and counted again."""
    older: frozenset[date] = frozenset()
    """Before the stage: only their clicks, visits and order ids are read again."""


def staged(warehouse: Warehouse) -> dict[date, Staged]:
    """Day → what the stage holds of it, by the ledger of runs."""
    days: dict[date, Staged] = {}
    sql = template(__file__, runs=warehouse.table("runs"))
    bound = with_parameters(sql, staged=RunStatus.STAGED)
    for row in warehouse.rows(bound):
        recorded = json.loads(row["message"] or "{}")
        if recorded.get("rules") != RULES:
            continue  # its days are read again
        names = frozenset(recorded["events"])
        window = Window(row["start_date"], row["end_date"])
        for number in range(window.days):
            day = window.start + timedelta(days=number)
            before = days[day].events if day in days else frozenset()
            # who reads a day again without all visits keeps those of known users alone
            days[day] = Staged(before - {export.VISIT} | names, row["recorded_at"])
    return days


def changed(warehouse: Warehouse, yesterday: date, *, orders: bool = False) -> Changed:
    """What landed or changed since it was read, which `progress.counted` goes on with.

    Days before the stage count as far as a conversion that began with it was asked for; those
    before may still lend a source or a click, and with `orders` each day, however old, may tell
    that an order is an old one.
    """
    held = staged(warehouse)
    if not held:
        return Changed()
    first, at = min(held), {day: entry.at for day, entry in held.items()}
    # an older day can lend no click to what is counted
    oldest = first - timedelta(days=LONGEST + 1)
    if orders and (there := exported_days(warehouse, yesterday)):
        oldest = min(oldest, there.start)
    reach = Window(oldest, max(held))
    now = shards.versions(warehouse, reach, yesterday)
    found = shards.changed_days(now, shards.read(warehouse), at)
    asked = min(first, min(at.values()).date() - timedelta(days=BACKFILL_DAYS))
    days = frozenset(day for day in found if day in held or asked <= day < first)
    older = frozenset(day for day in found if day < asked)
    if older:
        # what the stage holds may take another source by now
        days |= {first}
    return Changed(days, older)


def message_of(events: Collection[str]) -> str:
    """What the ledger keeps of a day that was read with these events; `staged` reads it."""
    return json.dumps({"events": sorted({*events, *export.ALWAYS}), "rules": RULES})


def unremembered(
    warehouse: Warehouse,
    window: Window,
    yesterday: date,
    *,
    orders: bool,
    again: Collection[date] = (),
    priced: bool = True,
) -> list[Piece]:
    """Days older than the stage of whose clicks, visits and order ids nothing is known yet.

    They are as many as a click may count before the end of the `window` that is going to be read,
    and with `orders` all, because order ids are judged over all history; and those of the days
    `again` that are not read as they are now. In pieces, oldest first, of which each can be read
    under the byte cap of one query.
    """
    days = exported_days(warehouse, yesterday)
    first = min((window.start, *staged(warehouse)))
    if days is None or days.start >= first:
        return []
    start = days.start if orders else max(days.start, window.end - timedelta(days=LONGEST + 1))
    if start >= first:
        return []
    known = shards.read(warehouse)
    now = shards.versions(warehouse, Window(min(again), max(again)), yesterday) if again else {}
    found = {
        day
        for dataset in warehouse.settings.ga4_datasets
        for day, name in shards.readable(warehouse, dataset, yesterday).items()
        if (dataset, name) not in known
        or (day in again and now.get((dataset, name)) != known[dataset, name])
    }
    chunks = Window(start, first - timedelta(days=1)).chunks(SPAN_DAYS)
    return [
        piece
        for chunk in chunks
        # a table may hold hours of the day before or after it
        if found & set(shards.around(chunk).dates)
        for piece in pieces(warehouse, Span(chunk, frozenset()), yesterday, priced=priced)
    ]


Sizes = Mapping[str, Mapping[str, Counted]]
"""Dataset → name of a daily table → what it holds."""


def _sizes(warehouse: Warehouse, window: Window, yesterday: date) -> Sizes:
    wide = shards.around(window)
    found = {}
    for dataset in warehouse.settings.ga4_datasets:
        names = {
            name
            for day, name in shards.readable(warehouse, dataset, yesterday).items()
            if wide.start <= day <= wide.end
        }
        found[dataset] = daily_tables(warehouse, dataset, names)
    return found


def _whole(sizes: Sizes) -> int | None:
    """What statements can read of these tables at most; None where one does not tell its bytes."""
    held = [it for tables in sizes.values() for it in tables.values()]
    if any(it.rows and not it.bytes for it in held):
        return None
    return sum(max(it.bytes, MINIMUM) for it in held)


def _fitting(warehouse: Warehouse, span: Span, yesterday: date, sizes: Sizes) -> list[Piece]:
    """The days in halves, and these in halves, until each can be read under the byte cap."""
    days = span.window.days
    size = _estimated(warehouse, span, yesterday, sizes)
    if days == 1 or size <= warehouse.settings.maximum_bytes_billed:
        return [Piece(span, size)]
    return [
        piece
        for half in span.window.chunks((days + 1) // 2)
        for piece in _fitting(warehouse, Span(half, span.events), yesterday, sizes)
    ]


def _estimated(warehouse: Warehouse, span: Span, yesterday: date, sizes: Sizes) -> int:
    found = exports(warehouse, span.window, yesterday)
    sql = scan_of(warehouse.settings, found, span)
    if sql is None:
        return 0
    return forecast([sql], weighed(sql, found, sizes), Price.of(warehouse.settings)).bytes


def weighed(sql: Sql, found: Iterable[Export], sizes: Sizes) -> dict[str, Table]:
    """The daily tables that a scan names, and the wildcards over some, with their sizes."""
    # a wildcard's beginning depends on the days of the scan
    named = set(re.findall(r"`([^`]+)`", sql.text))
    tables = {}
    for each in found:
        held, schema = sizes.get(each.dataset, {}), tuple(each.schema)
        daily = {name: it for name, it in held.items() if shards.stem_of(name) == "events_"}
        for path in named:
            dataset, _, name = path.rpartition(".")
            if dataset == each.dataset and name.endswith("*") and not each.tables:
                tables[path] = Table(schema, together(daily, schema))
            elif dataset == each.dataset and name in each.tables:
                tables[path] = Table(schema, alone(held.get(name, Counted(0, 0)), schema))
    return tables


def weighed_scan(
    warehouse: Warehouse, span: Span, yesterday: date
) -> tuple[Sql | None, dict[str, Table]]:
    """The query that reads the span, and the tables that it names."""
    found = exports(warehouse, span.window, yesterday)
    sql = scan_of(warehouse.settings, found, span)
    sizes = _sizes(warehouse, span.window, yesterday)
    return sql, weighed(sql, found, sizes) if sql else {}


def exported(warehouse: Warehouse, window: Window, yesterday: date) -> Window | None:
    """The part of the window that any property has tables for; None without one.

    A shard holds the property's day, so the project's day before and after it may have events.
    """
    days = exported_days(warehouse, yesterday)
    if days is None:
        return None
    start = max(window.start, days.start - timedelta(days=1))
    end = min(window.end, days.end + timedelta(days=1))
    return Window(start, end) if start <= end else None


def exported_days(warehouse: Warehouse, yesterday: date) -> Window | None:
    """From the oldest day that any property has a table for to the newest; None without."""
    days = [
        day
        for dataset in warehouse.settings.ga4_datasets
        for day in shards.readable(warehouse, dataset, yesterday)
    ]
    return Window(min(days), max(days)) if days else None


def lacking(
    warehouse: Warehouse,
    window: Window,
    events: frozenset[str],
    yesterday: date,
    again: Collection[date] = (),
) -> list[Span]:
    """The days and events that the stage lacks, and the days to be read `again` all the same."""
    found = exported(warehouse, window, yesterday)
    if found is None:
        return []
    held = {day: entry.events for day, entry in staged(warehouse).items() if day not in again}
    return missing(found, events, held)


def missing(
    window: Window, names: frozenset[str], staged: Mapping[date, frozenset[str]]
) -> list[Span]:
    """Runs of days in the window that lack some of the events, each with those that it lacks.

    The late days are always read again, because GA4 rewrites them.
    """
    spans: list[Span] = []
    late = window.end - timedelta(days=LATE_DAYS - 1)
    for day in (window.start + timedelta(days=number) for number in range(window.days)):
        lacking = names - staged.get(day, frozenset()) if day < late else names
        if not lacking:
            continue
        if (
            spans
            and spans[-1].window.end == day - timedelta(days=1)
            and spans[-1].events == lacking
        ):
            spans[-1] = Span(Window(spans[-1].window.start, day), lacking)
        else:
            spans.append(Span(Window(day, day), lacking))
    return spans
