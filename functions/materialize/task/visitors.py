"""Visits and clicks of the clients that counted, narrowed once a run for all that follow GA4."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from common.bigquery.sql import Parameter, Sql, create_table_as, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.catalog import plan
from common.catalog.definitions import DefinitionVersion
from common.ga4 import clicks
from common.model.window import Window


@dataclass(frozen=True)
class Known:
    """The tables that tell visits and clicks of a conversion's clients."""

    visits: Sql
    clicks: Sql


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
        return Known(warehouse.table("ga4_visits"), warehouse.table("ga4_clicks"))
    name = _name(run_id, _reach(definitions, window))
    return Known(warehouse.staging(f"visits_{name}"), warehouse.staging(f"clicks_{name}"))


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
    reach = _reach(definitions, window)
    for what in ("visits", "clicks"):
        sql = template(
            __file__,
            f"visitors_{what}",
            known=warehouse.table(f"ga4_{what}"),
            stage=warehouse.table("ga4_events"),
            longest=str(clicks.LONGEST + 1),
        )
        rows = with_parameters(
            sql,
            start_date=reach.start,
            end_date=reach.end,
            event_names=Parameter("ARRAY<STRING>", _events(definitions)),
        )
        name = f"{what}_{_name(run_id, reach)}"
        # a job id runs once: whoever comes second waits for the first one's table
        warehouse.execute(
            create_table_as(warehouse.staging(name), rows),
            job_id=f"{warehouse.settings.dataset}_{name}",
        )


def _events(definitions: Mapping[str, DefinitionVersion]) -> list[str]:
    return sorted({name for each in definitions.values() for name in each.conversion.events()})


def _reach(definitions: Mapping[str, DefinitionVersion], window: Window) -> Window:
    """The window, and as many days as any conversion stays open: the same for all of a run."""
    longest = max(
        plan.open_days(id, definitions)
        for id, each in definitions.items()
        if each.conversion.events()
    )
    start = window.end - timedelta(days=longest - 1)
    return Window(min(start, window.start), window.end)


def _name(run_id: str, reach: Window) -> str:
    digest = hashlib.sha256(f"{run_id}|{reach.start}".encode()).hexdigest()[:20]
    return f"{digest}_{reach.end:%Y%m%d}"
