"""A definition tried on history: candidates in a short-lived table, nothing else written."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from common import kinds, schemas
from common.bigquery.sql import Parameter, Sql, bind, create_table_as, template, with_parameters
from common.bigquery.warehouse import Warehouse
from common.catalog import identity_sources
from common.catalog.definitions import DefinitionVersion
from common.ga4 import events, shards, stage, visits
from common.identity import graph
from common.kinds.candidate.rates import rates
from common.kinds.candidate.shape import Context
from common.kinds.conversion import Conversion
from common.model.window import Window
from functions.api.definitions.own_work import published
from functions.api.services import Services


@dataclass(frozen=True)
class Trial:
    """The candidates of a definition for a window, with what they were made from."""

    candidates: Sql
    context: Context
    warehouse: Warehouse

    def bound(self, sql: Sql) -> Sql:
        """The statement with the window's days and the time zone bound."""
        return with_parameters(
            sql,
            start_date=self.context.window.start,
            end_date=self.context.window.end,
            timezone=Parameter("STRING", self.context.timezone),
        )


@contextmanager
def trial(
    conversion: Conversion,
    definitions: Mapping[str, DefinitionVersion],
    window: Window,
    services: Services,
) -> Iterator[Trial]:
    """Compute the definition's candidates as a run would; the tables go when the block ends.

    What was published before the window counts as it lies there. Raises UserError when the
    definition's own SQL may not run.
    """
    # two people may try the same draft at once
    name = f"trial_{uuid.uuid4().hex}"
    warehouse = services.warehouse
    try:
        stage_ = _stage(conversion, window, f"{name}_events", services)
        sources = identity_sources.tables(conversion, definitions.values(), warehouse)
        context = Context(
            stage=stage_,
            target=published(conversion.id, services),
            raw=warehouse.staging(f"{name}_raw"),
            members={id: published(id, services) for id in conversion.references()},
            identity=graph.derived(stage_, sources),
            scores=warehouse.table("lead_scores"),
            rates=rates(services.settings),
            window=window,
            timezone=services.settings.timezone,
            currency=services.settings.currency,
        )
        context = _with_answer(conversion, context, f"{name}_raw", services)
        candidates = warehouse.staging(f"{name}_rows")
        warehouse.execute(create_table_as(candidates, kinds.select(conversion, context)))
        yield Trial(candidates, context, warehouse)
    finally:
        # however it ended: they hold what people did
        # each by its name, for what broke off may have made any of them
        for part in ("events", "events_scan", "events_visits", "raw", "rows"):
            warehouse.drop(warehouse.staging_path(f"{name}_{part}"))


def _stage(conversion: Conversion, window: Window, name: str, services: Services) -> Sql:
    """The stage, completed from the raw export by the events that it lacks in the window."""
    warehouse = services.warehouse
    whole = warehouse.table("ga4_events")
    if not conversion.events():
        return whole
    staged = stage.staged(warehouse)
    days = [window.start + timedelta(days=number) for number in range(window.days)]
    # the stage holds only what some saved definition counts
    if all(day in staged and conversion.events() <= staged[day].events for day in days):
        return whole
    span = stage.Span(window, conversion.events())
    scan = stage.scan(warehouse, span, services.yesterday)
    if scan is None:
        return whole
    scanned, visited = (warehouse.staging(f"{name}_{part}") for part in ("scan", "visits"))
    warehouse.execute(create_table_as(scanned, visits.begun(scan)))
    bounds = {"start_date": window.start, "end_date": window.end}
    seen = shards.versions(warehouse, window, services.yesterday)
    told = shards.told(warehouse, seen, window, services.yesterday)
    visits_of_scan = with_parameters(
        visits.visits(scanned, warehouse.table("ga4_visits")),
        timezone=warehouse.settings.timezone,
        **told,
        **visits.lenders(warehouse, scanned, window, told["whole"]),
        **bounds,
    )
    warehouse.execute(create_table_as(visited, visits_of_scan))
    rows = events.events(scanned, visited, whole, conversion.events())
    warehouse.execute(create_table_as(warehouse.staging(name), with_parameters(rows, **bounds)))
    names = [name for name in schemas.columns("ga4_events") if name != "row_hash"]
    return template(
        __file__,
        "trial_stage",
        stage=whole,
        read=warehouse.staging(name),
        columns=", ".join(f"event.{name}" for name in names),
        events=bind(sorted(conversion.events())),
        first_day=bind(window.start),
        last_day=bind(window.end),
    )


def _with_answer(
    conversion: Conversion, context: Context, name: str, services: Services
) -> Context:
    """The context with the answer of the user's own query, if the definition has one."""
    query = conversion.rows_query()
    if query is None:
        return context
    # the guard's parser is imported only where SQL is judged, for quick cold starts
    from functions.api.definitions import queries

    answer = queries.answer(query, services.runner, context.window, name)
    return replace(context, raw_columns=frozenset(map(str.lower, answer.types)))
