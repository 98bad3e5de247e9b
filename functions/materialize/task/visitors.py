"""Visits and clicks of the clients that counted, narrowed once a run for all that follow GA4."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Any

from common.bigquery.sql import (
    Parameter,
    Sql,
    create_table_as,
    fill,
    template,
    with_parameters,
)
from common.bigquery.warehouse import Warehouse
from common.catalog import plan
from common.catalog.definitions import DefinitionVersion
from common.ga4 import clicks
from common.model.window import LATE_DAYS, Window
from common.untyped import Row

REACH_DAYS = clicks.LONGEST + 1
"""How far before an event visits and clicks are looked for."""


@dataclass(frozen=True)
class Known:
    """The tables that tell visits and clicks of a conversion's clients."""

    visits: Sql
    clicks: Sql
    is_narrowed: bool
    """Whether they hold this run's clients alone, each with the last day on which it counted."""


def known(
    warehouse: Warehouse,
    stored: DefinitionVersion,
    definitions: Mapping[str, DefinitionVersion],
    run_id: str,
    window: Window,
) -> Known | None:
    """Where visits and clicks of the conversion's clients are found; None where none are lent.

    The rows of members have taken from them already.
    """
    if stored.conversion.members():
        return None
    if not stored.conversion.events():
        return Known(
            warehouse.table("ga4_visits"), warehouse.table("ga4_clicks"), is_narrowed=False
        )
    facts = whose(stored, definitions, window)
    of_run = name(run_id, facts)
    visits, clicks_ = (warehouse.staging(f"{what}_{of_run}") for what in ("visits", "clicks"))
    if _first_lacking(warehouse, facts, of_run) is None:
        visits = template(__file__, "visitors_none")
    return Known(visits, clicks_, is_narrowed=True)


def keep_up(
    warehouse: Warehouse,
    stored: DefinitionVersion,
    definitions: Mapping[str, DefinitionVersion],
    run_id: str,
    window: Window,
) -> None:
    """Make the tables that the conversion reads, unless a task of this run has made them."""
    if not stored.conversion.events():
        return
    facts = whose(stored, definitions, window)
    of_run = name(run_id, facts)
    _make(warehouse, f"clicks_{of_run}", with_parameters(_clicks(warehouse), **facts), "last_date")
    # where every event says its own visit, which is usual on the web, nobody reads any
    if first := _first_lacking(warehouse, facts, of_run):
        rows = with_parameters(_visits(warehouse), **facts, first_date=first)
        _make(warehouse, f"visits_{of_run}", rows)


def _make(warehouse: Warehouse, table: str, rows: Sql, partition: str = "") -> None:
    statement = create_table_as(warehouse.staging(table), rows, partition=partition)
    warehouse.once(f"{warehouse.settings.dataset}_{table}", lambda: statement)


def whose(
    stored: DefinitionVersion, definitions: Mapping[str, DefinitionVersion], window: Window
) -> dict[str, Any]:
    """Days and names of the events whose clients matter to a run, as parameters of a statement.

    Only events that some conversion still counts on older days matter on these: who became a lead
    weeks ago is nobody's concern where purchases alone wait for refunds.
    """
    # one day more, as in `reach`
    days, late = reach(definitions, window), Window.ending(window.end, LATE_DAYS + 1)
    is_usual = window.start >= window.end - timedelta(plan.open_days(stored.id, definitions))
    counting = {id: each.conversion.events() for id, each in definitions.items()}
    lasting = {
        name
        for id, names in counting.items()
        for name in names
        if plan.open_days(id, definitions) > LATE_DAYS
    }
    return {
        "start_date": days.start,
        "end_date": days.end,
        "event_names": Parameter("ARRAY<STRING>", sorted({*chain(*counting.values())})),
        "lasting_names": Parameter("ARRAY<STRING>", sorted(lasting)),
        "late_start": late.start if is_usual else min(window.start, late.start),
    }


def _first_lacking(warehouse: Warehouse, facts: Row, of_run: str) -> date | None:
    """The day of the first event that does not say its own visit, None where each does; it is asked
    once a run, and BigQuery prunes by it as by any constant."""
    lacking = template(__file__, "visitors_lacking", stage=warehouse.table("ga4_events"))
    asked = fill("SELECT MIN(event.date) AS first_date\n{{ rows }}", rows=lacking)
    (found,) = warehouse.recalled(f"lacking|{of_run}", with_parameters(asked, **facts))
    first: date | None = found["first_date"]
    return first


def _visits(warehouse: Warehouse) -> Sql:
    """Visits of the clients of events that do not say their own; no visit lends to others."""
    return template(
        __file__,
        "visitors_visits",
        known=warehouse.table("ga4_visits"),
        lacking=template(__file__, "visitors_lacking", stage=warehouse.table("ga4_events")),
        longest=str(REACH_DAYS),
    )


def _clicks(warehouse: Warehouse) -> Sql:
    return template(
        __file__,
        "visitors_clicks",
        known=warehouse.table("ga4_clicks"),
        stage=warehouse.table("ga4_events"),
        longest=str(REACH_DAYS),
    )


def reach(definitions: Mapping[str, DefinitionVersion], window: Window) -> Window:
    """The window, and the days that any conversion stays open: the same for all of a run."""
    counting = (id for id, each in definitions.items() if each.conversion.events())
    longest = max((plan.open_days(id, definitions) for id in counting), default=1)
    # a window that goes on to a day which is not told whole begins as if it did not
    start = window.end - timedelta(days=longest)
    return Window(min(start, window.start), window.end)


def name(run_id: str, facts: Row) -> str:
    """What tells a run's own tables of the days of `facts` from those of other runs."""
    # a run's id may hold what a table's name may not
    key = f"{run_id}|{facts['start_date']}|{facts['late_start']}"
    return f"{hashlib.sha256(key.encode()).hexdigest()[:20]}_{facts['end_date']:%Y%m%d}"
