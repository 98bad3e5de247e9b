"""Silence: a day with far fewer conversions than its weekday had, and the table to look at."""

from __future__ import annotations

from datetime import date

from common import ga4
from common.catalog import Stored
from common.kinds.shape import Context
from common.sql import template, with_parameters
from common.warehouse import Warehouse
from functions.materialize.ledger import Ledger

USUAL_ROWS = 10
"""Weekdays with fewer conversions on average are too quiet to judge."""
SHARE = 0.4
"""A day below this share of its weekday's average is reported."""


def report_missing_shards(warehouse: Warehouse, ledger: Ledger, day: date, run_id: str) -> None:
    """Report each GA4 property whose daily table for the day has not landed."""
    for dataset in warehouse.settings.ga4_datasets:
        if f"{day:%Y%m%d}" not in ga4.shard_days(warehouse.tables_in(dataset)):
            ledger.incident(
                "ga4_day_missing",
                f"{dataset}.events_{day:%Y%m%d} has not landed yet.",
                fix="GA4 exports a day by the afternoon after it; the next runs will read it.",
                run_id=run_id,
                severity="warning",
            )


def report_silence(
    ledger: Ledger, warehouse: Warehouse, stored: Stored, context: Context, run_id: str
) -> None:
    """Report when the window's last day is silent beside the four same weekdays before it."""
    sql = with_parameters(template(__file__, target=context.target), last_day=context.window.end)
    found = next(warehouse.rows(sql))
    usual, seen = float(found["usual"] or 0), int(found["seen"] or 0)
    if usual < USUAL_ROWS or seen >= SHARE * usual:
        return
    tables = ", ".join(stored.referenced_tables) or f"the GA4 table of {context.window.end}"
    ledger.incident(
        "silence",
        f"{stored.id}: {seen} conversions on {context.window.end}, usually about {usual:.0f}.",
        fix=f"Check whether {tables} has landed; if it has, tracking may be broken.",
        conversion=stored.id,
        run_id=run_id,
        severity="warning",
    )
