"""What the stage holds of the raw GA4 export, what it lacks, and what reading that costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from common.bigquery.sql import Sql, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.catalog.run_status import RunStatus
from common.ga4 import export
from common.model.window import LATE_DAYS, Window

SPAN_DAYS = 31
"""Days of raw export that one write of the stage reads."""


@dataclass(frozen=True)
class Span:
    """Days of the raw export to read, and the events to take from them."""

    window: Window
    events: frozenset[str]

    def pieces(self) -> list[Span]:
        """The span in pieces that one write each may read."""
        return [Span(chunk, self.events) for chunk in self.window.chunks(SPAN_DAYS)]


def exports(warehouse: Warehouse) -> list[tuple[str, list[dict[str, Any]]]]:
    """(dataset, schema of its newest daily shard) of every GA4 property that has one."""
    found = []
    for dataset in warehouse.settings.ga4_datasets:
        newest = export.newest_shard(warehouse.tables_in(dataset))
        schema = warehouse.schema_of(f"{dataset}.{newest}") if newest else None
        if schema:
            found.append((dataset, schema))
    return found


def scan(warehouse: Warehouse, span: Span) -> Sql | None:
    """The query that reads the span from the raw export; None when there is no export yet."""
    found = exports(warehouse)
    if not found:
        return None
    return export.scan(found, span.window, span.events, warehouse.settings.timezone)


def planned_bytes(warehouse: Warehouse, span: Span) -> int | None:
    """What reading the span, piece by piece as a run does, would cost in bytes; None is unknown."""
    sizes = [
        warehouse.dry_run(sql).bytes_processed
        for piece in span.pieces()
        if (sql := scan(warehouse, piece)) is not None
    ]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def staged(warehouse: Warehouse) -> dict[date, frozenset[str]]:
    """Day → names of the GA4 events that the stage holds for it, by the ledger of runs."""
    days: dict[date, frozenset[str]] = {}
    sql = template(__file__, runs=warehouse.table("runs"))
    for row in warehouse.rows(with_parameters(sql, staged=RunStatus.STAGED)):
        names = frozenset(json.loads(row["message"])["events"])
        window = Window(row["start_date"], row["end_date"])
        for number in range(window.days):
            day = window.start + timedelta(days=number)
            days[day] = days.get(day, frozenset()) | names
    return days


def exported(warehouse: Warehouse, window: Window) -> Window | None:
    """The part of the window that any property has daily shards for; None without one.

    A shard holds the property's day, so the project's day before and after it may have events.
    """
    days = exported_days(warehouse)
    if days is None:
        return None
    start = max(window.start, days.start - timedelta(days=1))
    end = min(window.end, days.end + timedelta(days=1))
    return Window(start, end) if start <= end else None


def exported_days(warehouse: Warehouse) -> Window | None:
    """From the oldest day that any property has a daily shard for to the newest; None without."""
    days = [
        date.fromisoformat(suffix)
        for dataset in warehouse.settings.ga4_datasets
        for suffix in export.shard_days(warehouse.tables_in(dataset))
    ]
    return Window(min(days), max(days)) if days else None


def lacking(warehouse: Warehouse, window: Window, events: frozenset[str]) -> list[Span]:
    """The days and events that the stage lacks; none where the export has no shard."""
    found = exported(warehouse, window)
    return [] if found is None else missing(found, events, staged(warehouse))


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
