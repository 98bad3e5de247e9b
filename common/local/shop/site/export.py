"""The export dataset as GA4 keeps it: a table a day, written again while late events arrive."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from common.local.shop.moments import HOUR, REWRITES, REWRITTEN_BY, Period, midnight
from common.local.shop.orders.rates import Rates
from common.local.shop.site import ga4
from common.local.shop.site.ga4 import Row
from common.local.shop.site.visits import Event

_SCHEMA_FILE = Path(__file__).parents[2] / "data" / "ga4_schema.json"
SCHEMA: list[Row] = json.loads(_SCHEMA_FILE.read_text("utf-8"))
"""Columns of an export table, as https://support.google.com/analytics/answer/7029846 lists them."""
ADDED_LATER = frozenset(
    {
        "items.item_params",
        "collected_traffic_source",
        "is_active_user",
        "batch_event_index",
        "batch_page_id",
        "batch_ordering_id",
        "session_traffic_source_last_click",
        "publisher",
    }
)
"""Columns that tables from before 2023 and 2024 lack."""
_INTRADAY_HOURS = 6


@dataclass(frozen=True, eq=False)
class Export:
    """The export dataset; what lies in it depends on the day of looking."""

    period: Period
    rates: Rates
    events: dict[date, list[Event]] = field(repr=False)

    def tables(self, as_of: date) -> dict[str, Iterator[Row]]:
        """Table name to rows, on that day, after GA4 has written the day before.

        A day is written on each of the three days that follow it; an event that arrives late is
        missing from the first or second writing. Yesterday also still exists as intraday table,
        and today does so in part. One day lands long after its neighbours, and one is written
        again when nobody expects it any more.
        """
        found = {
            f"events_{day:%Y%m%d}": self._daily(day, min((as_of - day).days, self._last(day)))
            for day in sorted(self.events)
            if (as_of - day).days >= self.period.lands(day)
        }
        today = midnight(as_of, self.period.property_zone) + _INTRADAY_HOURS * HOUR
        for day in (as_of - timedelta(days=1), as_of):
            if day in self.events:
                found[f"events_intraday_{day:%Y%m%d}"] = self._intraday(day, today)
        return found

    def changed(self, as_of: date, since: date) -> dict[str, Iterator[Row]]:
        """Those of the day's tables that were missing or different on the earlier day."""
        final = {
            f"events_{day:%Y%m%d}"
            for day in self.events
            if day + timedelta(days=max(self._last(day), self.period.lands(day))) <= since
        }
        return {name: rows for name, rows in self.tables(as_of).items() if name not in final}

    def schema(self, table: str) -> list[Row]:
        """The table's columns; the oldest tables lack what GA4 added later."""
        if self._is_old(table[-8:]):
            return _older(SCHEMA)
        return SCHEMA

    def _last(self, day: date) -> int:
        """How many days after it the day's table is written for the last time."""
        return REWRITTEN_BY if self.period.is_rewritten(day) else REWRITES

    def _is_old(self, suffix: str) -> bool:
        return suffix < f"{self.period.modern_from:%Y%m%d}"

    def _daily(self, day: date, version: int) -> Iterator[Row]:
        return self._rows(
            day, version, [event for event in self.events[day] if event.version <= version]
        )

    def _intraday(self, day: date, until: int) -> Iterator[Row]:
        # what arrives late was never streamed
        arrived = [event for event in self.events[day] if event.version == 1 and event.at < until]
        return self._rows(day, 1, arrived)

    def _rows(self, day: date, version: int, events: list[Event]) -> Iterator[Row]:
        old = self._is_old(f"{day:%Y%m%d}")
        for event in events:
            row = ga4.row(event, day, version, self.rates)
            yield _aged(row) if old else row


def export(events: Iterable[Event], period: Period, rates: Rates) -> Export:
    """The dataset that GA4 makes of the events; each table in the order in which they happened."""
    days: defaultdict[date, list[Event]] = defaultdict(list)
    # of one moment in a fixed order, so that equal arguments give equal bytes
    for event in sorted(events, key=lambda event: (event.at, event.visit.browser.client_id)):
        days[period.shard(event.at)].append(event)
    return Export(period, rates, dict(days))


def _older(columns: list[Row], path: str = "") -> list[Row]:
    kept = [column for column in columns if path + column["name"] not in ADDED_LATER]
    return [
        {**column, "fields": _older(column["fields"], f"{path}{column['name']}.")}
        if "fields" in column
        else column
        for column in kept
    ]


def _aged(row: Row) -> Row:
    kept = {name: value for name, value in row.items() if name not in ADDED_LATER}
    kept["items"] = [
        {name: value for name, value in item.items() if name != "item_params"}
        for item in row["items"]
    ]
    return kept


def exported_on(event: Event, period: Period) -> date:
    """The first day on which a daily table holds the event."""
    day = period.shard(event.at)
    return day + timedelta(days=max(event.version, period.lands(day)))
