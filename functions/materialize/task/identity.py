"""The identity graph of a run: derived by the first task that asks, read by the others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date

from common.bigquery.sql import Sql, create_table_as, with_parameters
from common.bigquery.warehouse import Warehouse
from common.catalog import identity_sources
from common.catalog.definitions import DefinitionVersion
from common.identity import graph


def table_of(warehouse: Warehouse, run_id: str, end: date) -> Sql:
    """The table of the graph as of the end of a day, one for each run."""
    return warehouse.staging(_name(run_id, end))


def keep_up(
    warehouse: Warehouse,
    stored: DefinitionVersion,
    definitions: Mapping[str, DefinitionVersion],
    run_id: str,
    end: date,
) -> None:
    """Make the graph that the conversion reads, unless a task of this run has made it.

    All that tell who is who come in tiers before those that ask, so that it is the same for all.
    """
    if not stored.conversion.counts_persons():
        return
    tables = identity_sources.tables(stored.conversion, definitions.values(), warehouse)
    edges = with_parameters(graph.edges(warehouse.table("ga4_events"), tables), end_date=end)
    statement = create_table_as(table_of(warehouse, run_id, end), edges)
    warehouse.once(f"{warehouse.settings.dataset}_{_name(run_id, end)}", lambda: statement)


def _name(run_id: str, end: date) -> str:
    # a run's id may hold what a table's name may not
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:20]
    return f"identity_{digest}_{end:%Y%m%d}"
