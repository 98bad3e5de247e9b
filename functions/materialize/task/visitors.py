"""Visits and clicks of the clients that counted, narrowed once a run for all that follow GA4."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
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
from common.model.window import Window
from common.untyped import Row

_Rows = Callable[[Warehouse, Row], Sql]
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
    of_run = name(run_id, reach(definitions, window))
    visits, clicks_ = (warehouse.staging(f"{what}_{of_run}") for what in ("visits", "clicks"))
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
    facts, of_run = whose(definitions, window), name(run_id, reach(definitions, window))
    for what, rows, partition in (("visits", _visits, ""), ("clicks", _clicks, "last_date")):
        made = partial(_made, warehouse, f"{what}_{of_run}", rows, facts, partition)
        warehouse.once(f"{warehouse.settings.dataset}_{what}_{of_run}", made)


def whose(definitions: Mapping[str, DefinitionVersion], window: Window) -> dict[str, Any]:
    """Days and names of the events whose clients matter to a run, as parameters of a statement."""
    days = reach(definitions, window)
    named = {name for each in definitions.values() for name in each.conversion.events()}
    return {
        "start_date": days.start,
        "end_date": days.end,
        "event_names": Parameter("ARRAY<STRING>", sorted(named)),
    }


def _made(warehouse: Warehouse, name: str, rows: _Rows, facts: Row, partition: str) -> Sql:
    shown = with_parameters(rows(warehouse, facts), **facts)
    return create_table_as(warehouse.staging(name), shown, partition=partition)


def _visits(warehouse: Warehouse, facts: Row) -> Sql:
    """Visits of the clients of events that do not say their own; a visit lends nothing to others.

    Where every event says it, which is usual on the web, no day is read.
    """
    lacking = template(__file__, "visitors_lacking", stage=warehouse.table("ga4_events"))
    asked = fill("SELECT MIN(event.date) AS first_date\n{{ rows }}", rows=lacking)
    found = next(warehouse.rows(with_parameters(asked, **facts)))
    # a day from which no visit reaches the window: BigQuery prunes by a constant, not by a subquery
    none = facts["end_date"] + timedelta(days=REACH_DAYS + 1)
    rows = template(
        __file__,
        "visitors_visits",
        known=warehouse.table("ga4_visits"),
        lacking=lacking,
        longest=str(REACH_DAYS),
    )
    return with_parameters(rows, first_date=found["first_date"] or none)


def _clicks(warehouse: Warehouse, facts: Row) -> Sql:
    return template(
        __file__,
        "visitors_clicks",
        known=warehouse.table("ga4_clicks"),
        stage=warehouse.table("ga4_events"),
        longest=str(REACH_DAYS),
    )


def reach(definitions: Mapping[str, DefinitionVersion], window: Window) -> Window:
    """The window, and as many days as any conversion stays open: the same for all of a run."""
    counting = (id for id, each in definitions.items() if each.conversion.events())
    longest = max((plan.open_days(id, definitions) for id in counting), default=1)
    start = window.end - timedelta(days=longest - 1)
    return Window(min(start, window.start), window.end)


def name(run_id: str, days: Window) -> str:
    """What tells a run's own tables of these days from those of other runs."""
    # a run's id may hold what a table's name may not
    digest = hashlib.sha256(f"{run_id}|{days.start}".encode()).hexdigest()[:20]
    return f"{digest}_{days.end:%Y%m%d}"
