"""Volume: a day with far fewer conversions than its weekday had, and the table to look at."""

from __future__ import annotations

from datetime import date

from common.catalog.definitions import DefinitionVersion
from common.incidents.incidents import Incident
from functions.materialize.ledger import Ledger

USUAL_ROWS = 10
"""Weekdays with fewer conversions on average are too quiet to judge."""
SHARE = 0.4
"""A day below this share of its weekday's average is reported."""


def report_low_volume(
    ledger: Ledger, stored: DefinitionVersion, day: date, run_id: str, *, seen: int, usual: float
) -> None:
    """Report a day of which so few conversions are seen beside the usual number of its weekday."""
    if usual < USUAL_ROWS or seen >= SHARE * usual:
        return
    tables = ", ".join(stored.referenced_tables) or f"the GA4 table of {day}"
    ledger.report(
        Incident(
            "silence",
            f"{stored.id}: {seen} conversions on {day}, usually about {usual:.0f}.",
            fix=f"Check whether {tables} has landed; if it has, tracking may be broken.",
            subject=stored.id,
            severity="warning",
        ),
        run_id=run_id,
    )
