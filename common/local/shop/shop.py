"""A small shop whose true answers are known: GA4 export, HubSpot, order table, and the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from common.local.shop.crm import hubspot
from common.local.shop.crm.leads import Lead, leads
from common.local.shop.moments import Period, midnight
from common.local.shop.orders import order_table
from common.local.shop.orders.rates import Rates
from common.local.shop.site.export import Export, export
from common.local.shop.site.ga4 import Row
from common.local.shop.site.site import Site, site
from common.local.shop.truth.answers import Truth
from common.local.shop.truth.truth import truth
from common.untyped import JsonObject

_TABLES: dict[str, JsonObject] = json.loads(
    Path(__file__).with_name("tables.json").read_text("utf-8")
)


@dataclass(frozen=True, eq=False)
class Shop:
    """Tables and answers, each as of a day: what is there on that day's morning.

    A day may lie after the end of the period; then everything late has arrived.
    """

    period: Period
    site: Site
    leads: tuple[Lead, ...]
    rates: Rates
    export: Export

    def ga4_days(self, as_of: date) -> dict[str, Iterator[Row]]:
        """Table name of the export, such as events_20260301, to its rows."""
        return self.export.tables(as_of)

    def ga4_schema(self, table: str) -> list[Row]:
        """Columns of that table in BigQuery's JSON form."""
        return self.export.schema(table)

    def crm(self, as_of: date) -> dict[str, list[Row]]:
        """`dataset.table` to its rows: hubspot.contact and so on, crm.orders, crm.rates."""
        # by the project's clock, as the CRM knows nothing of the property's zone
        moment = midnight(as_of, self.period.zone)
        tables = hubspot.tables(self.leads, moment)
        return {
            **{f"hubspot.{name}": rows for name, rows in tables.items()},
            "crm.orders": order_table.rows(self.site.orders, self.period, moment),
            "crm.rates": [row for row in self.rates.rows() if str(row["date"]) < as_of.isoformat()],
        }

    def truth(self, as_of: date, refund_days: int = 30) -> Truth:
        """What a full rebuild on that day must find."""
        return truth(self.site, self.leads, self.period, self.rates, as_of, refund_days)


def generate(
    seed: int = 21,
    start: date = date(2026, 3, 1),
    days: int = 35,
    visits_per_day: float = 180,
    time_zone: str = "Europe/Berlin",
    property_time_zone: str = "America/New_York",
    crm_days: int = 240,
    leads_per_day: float = 11,
) -> Shop:
    """The shop; the same arguments give the same bytes on every machine.

    GA4 is exported for `days` days from `start`; the CRM's leads begin `crm_days` before the end
    of these. The default period has the change to summer time, on different days in both zones.
    """
    zone, property_zone = ZoneInfo(time_zone), ZoneInfo(property_time_zone)
    period = Period(start, days, zone, property_zone)
    crm = Period(period.end - timedelta(days=crm_days), crm_days, zone, property_zone)
    # a week before for the Friday before the first day, and long after: deals close late
    rates = Rates(seed, min(crm.start, start) - timedelta(days=7), period.end + timedelta(days=400))
    known = tuple(leads(seed, crm, leads_per_day, rates))
    visited = site(seed, period, visits_per_day, known)
    return Shop(period, visited, known, rates, export(visited.events, period, rates))


def columns(table: str) -> list[Row]:
    """Columns of a table of the CRM in BigQuery's JSON form."""
    named = _TABLES[table]["columns"].items()
    return [{"name": name, "type": type, "mode": "NULLABLE"} for name, type in named]


def partition(table: str) -> str | None:
    """The DATE column by which the table of the CRM is partitioned, if it is."""
    found = _TABLES[table].get("partition")
    return None if found is None else str(found)
