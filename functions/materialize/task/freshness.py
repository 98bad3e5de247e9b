"""Whether the tables that a query reads have been loaded since its conversion ran last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from common.bigquery.warehouse import TableInfo as Table
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import DefinitionVersion
from common.kinds.query import Query
from common.model.window import day_over
from functions.materialize.ledger import Done
from functions.materialize.task import volume


def waits_for(
    stored: DefinitionVersion, end: date, last: Done | None, warehouse: Warehouse
) -> str | None:
    """Why a run up to the day `end` has to wait for a load, or None; `last` is how far it is.

    It waits where it would pass on to a new day although its tables are older than its last run and
    than that day's end: the day would be closed without its rows. Of tables by date each has to be
    newer, because the query asks them for the new day; where there is none, one of all. A table
    that does not tell when it changed, such as a view, may be newer.
    """
    query = stored.conversion.rows_query()
    # days that were closed before are looked at again however old the tables are
    if query is None or last is None or end <= last.until:
        return None
    found = list(_tables(query, stored.referenced_tables, warehouse))
    by_date = [(path, table) for path, table in found if table.is_partitioned]
    since = min(last.at, day_over(end, warehouse.settings.timezone))
    old = [path for path, table in by_date or found if _is_older(table, since)]
    if not old or (not by_date and len(old) < len(found)):
        return None
    return (
        f"{', '.join(sorted(old))} {'has' if len(old) == 1 else 'have'} not been loaded since the"
        f" last run of {last.at:%Y-%m-%d %H:%M} UTC, so {end} is not there yet"
    )


def without_a_row(usual: float) -> str | None:
    """Why an answer without any row has to wait where a day usually has so many, or None."""
    if usual < volume.USUAL_ROWS:
        return None
    return f"the query returned no row at all, where such a day usually has about {usual:.0f}"


def _tables(
    query: Query, paths: Iterable[str], warehouse: Warehouse
) -> Iterator[tuple[str, Table]]:
    """The tables that exist, of daily shards the newest one; look-up tables change when they do."""
    for path in paths:
        if path in query.lookup_tables:
            continue
        name = _newest_shard(path, warehouse) if path.endswith("*") else path
        if name and (table := warehouse.table_info(name)):
            yield path, table


def _newest_shard(path: str, warehouse: Warehouse) -> str | None:
    dataset, _, prefix = path.removesuffix("*").rpartition(".")
    names = [name for name in warehouse.tables_in(dataset) if name.startswith(prefix)]
    # events_* matches events_intraday_20261110 too, which changes all day long
    daily = [name for name in names if name.removeprefix(prefix).isdecimal()]
    return f"{dataset}.{max(daily or names)}" if names else None


def _is_older(table: Table, moment: datetime) -> bool:
    return table.changed_at is not None and table.changed_at < moment
