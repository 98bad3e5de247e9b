"""Who is who: the graph of a run, derived by the first task that asks, and the keys of persons."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from common.bigquery.sql import Sql, create_table_as, with_parameters
from common.bigquery.warehouse import Executed, Warehouse
from common.catalog import identity_sources
from common.catalog.definitions import DefinitionVersion
from common.catalog.plan import CHUNK_DAYS
from common.errors import UserError
from common.identity import graph, keys
from common.model.window import Window
from common.untyped import Row
from functions.materialize.task import visitors


def table_of(
    warehouse: Warehouse,
    stored: DefinitionVersion,
    definitions: Mapping[str, DefinitionVersion],
    run_id: str,
    window: Window,
) -> Sql:
    """The table of the edges that matter to the run's days, one for each run."""
    return warehouse.staging(_name(run_id, visitors.whose(stored, definitions, window)))


def keep_up(
    warehouse: Warehouse,
    stored: DefinitionVersion,
    definitions: Mapping[str, DefinitionVersion],
    run_id: str,
    window: Window,
) -> None:
    """Make the graph that the conversion reads, unless a task of this run has made it.

    All that tell who is who come in tiers before those that ask, so that it is the same for all.
    """
    if not stored.conversion.counts_persons():
        return
    tables = identity_sources.tables(stored.conversion, definitions.values(), warehouse)
    edges = graph.narrowed(warehouse.table("ga4_events"), tables)
    facts = visitors.whose(stored, definitions, window)
    name = _name(run_id, facts)
    statement = create_table_as(warehouse.staging(name), with_parameters(edges, **facts))
    warehouse.once(f"{warehouse.settings.dataset}_{name}", lambda: statement)


def keyed(warehouse: Warehouse, target: Sql, read: Callable[[], Executed]) -> Executed:
    """What `read` returns, a statement that knows persons of the target by their keys.

    Rows that a release before wrote, beside this one too, get theirs where it meets them.
    """
    try:
        return read()
    except UserError as error:
        # who reads may see no other sign of such a row without paying for a second look
        if keys.LACKING not in error.detail:
            raise
    _fill(warehouse, target)
    return read()


def _fill(warehouse: Warehouse, target: Sql) -> None:
    """Give rows of the target the keys that they lack, in as many days at once as a task has."""
    (found,) = warehouse.rows(keys.lacking(target))
    for part in Window(found["first_date"], found["last_date"]).chunks(CHUNK_DAYS):
        days = {"first_date": part.start, "last_date": part.end}
        warehouse.execute(with_parameters(keys.filled(target), **days))


def _name(run_id: str, facts: Row) -> str:
    return f"identity_{visitors.name(run_id, facts)}"
