"""Which GA4 events there are, and what a person may have meant by one that there is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from difflib import get_close_matches

from common.bigquery.sql import Sql, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.cost.estimate import MINIMUM
from common.ga4 import shards, stage
from common.kinds.conversion import Conversion
from common.model.findings import Finding
from common.model.window import Window

SHARDS = 7
"""How many of the newest days of the export are asked for event names."""
STAGE_DAYS = 30
NEWEST_DAYS = 90
"""A stage of years is not read to find an event's last day."""


def unknown(draft: Conversion, seen: Mapping[str, int]) -> list[Finding]:
    """One finding for each event of the draft that was not seen; a purchase only gets a warning.

    `seen` maps event names to how often they occurred; when it is empty, nothing can be judged and
    that is said instead.
    """
    typed = draft.names_events()
    # a new project must be able to save its first definition before GA4 sends anything
    if not seen:
        return [_no_export(draft)]
    return [
        Finding(
            "unknown_event",
            "error" if typed else "warning",
            f"GA4 has recorded no event {name!r} lately.{_meant(name, seen)}",
            _FIX if typed else "Check that the shop sends its purchases to GA4.",
            field=draft.events_field(),
        )
        for name in sorted(draft.events() - set(seen))
    ]


def seen(warehouse: Warehouse) -> dict[str, int]:
    """Names of the events in the newest days of the exports and of the stage, with their counts."""
    staged = _stage_counts(warehouse)
    exports = [_export_counts(warehouse, name) for name in warehouse.settings.ga4_datasets]
    counts: dict[str, int] = {}
    for found in exports:
        for name, number in found.items():
            counts[name] = counts.get(name, 0) + number
    # the export's count wins: the stage holds only the events that a definition counts
    return {**staged, **counts}


def newest_stage_day(warehouse: Warehouse, event: str = "") -> date | None:
    """The last day for which the stage holds the event, or any event; None when none of the
    `NEWEST_DAYS` last days that it has read does."""
    read = stage.staged(warehouse)
    if not read:
        return None
    window = Window.ending(max(read), NEWEST_DAYS)
    sql = template(__file__, "events_newest", stage=warehouse.table("ga4_events"))
    bound = with_parameters(sql, event=event, start_date=window.start, end_date=window.end)
    newest: date | None = next(warehouse.rows(bound))["newest"]
    return newest


def newest_export_day(warehouse: Warehouse) -> date | None:
    """The newest day for which any GA4 property has its daily table; None when none has."""
    days = [
        day
        for dataset in warehouse.settings.ga4_datasets
        for day in shards.shard_days(warehouse.tables_in(dataset))
    ]
    return datetime.strptime(max(days), "%Y%m%d").date() if days else None


def _stage_counts(warehouse: Warehouse) -> dict[str, int]:
    newest = newest_stage_day(warehouse)
    if newest is None:
        return {}
    sql = template(__file__, "events_staged", stage=warehouse.table("ga4_events"))
    bound = with_parameters(
        sql, start_date=newest - timedelta(days=STAGE_DAYS - 1), end_date=newest
    )
    return _counts(warehouse, bound)


def _export_counts(warehouse: Warehouse, dataset: str) -> dict[str, int]:
    # the newest tables that there are, not the newest days: an export may have stopped a while ago
    # each is billed so much at least, and a small cap would let nobody save a definition
    under_cap = max(1, warehouse.settings.maximum_bytes_billed // MINIMUM)
    days = shards.shard_days(warehouse.tables_in(dataset))[-min(SHARDS, under_cap) :]
    if not days:
        return {}
    newest = shards.together(dataset, [f"events_{day}" for day in days], "event_name")
    return _counts(warehouse, template(__file__, newest=newest))


def _counts(warehouse: Warehouse, sql: Sql) -> dict[str, int]:
    return {row["name"]: row["events"] for row in warehouse.rows(sql)}


def near(name: str, seen: Iterable[str]) -> list[str]:
    """Up to three of the names that the given one may stand for, the likeliest first."""
    # Generate Lead, generate-lead and generateLead are slips of one name
    by_letters = {_letters(other): other for other in seen}
    return [by_letters[close] for close in get_close_matches(_letters(name), by_letters, n=3)]


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _meant(name: str, seen: Mapping[str, int]) -> str:
    meant = [f"{other} ({seen[other]:,} events)" for other in near(name, seen)]
    return f" Did you mean {' or '.join(meant)}?" if meant else ""


def _no_export(draft: Conversion) -> Finding:
    return Finding(
        "no_ga4_export",
        "warning",
        "There is no GA4 export to look the event up in, so nobody can tell whether it occurs.",
        "Connect the GA4 property's BigQuery export; the conversion starts to count by itself.",
        field=draft.events_field(),
    )


_FIX = (
    "Correct the filter on Event; GET /api/dimensions/event/values lists what there is. "
    "If the event is still to come, save with ?allow_unknown_event=true."
)
