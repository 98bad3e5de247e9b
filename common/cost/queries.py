"""What a user's query reads by the sizes of its tables, where BigQuery's dry run does not tell."""

from __future__ import annotations

from collections.abc import Iterable

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.cost import sizes
from common.cost.forecast import Price, Table, forecast


def estimated(sql: Sql, paths: Iterable[str], warehouse: Warehouse) -> int | None:
    """Bytes that the query reads of the tables at these paths, project.dataset.table.

    None where one is a view, lies outside BigQuery, may not be seen or is not said to hold rows.
    """
    found: dict[str, Table] = {}
    for path in paths:
        table = _daily(path, warehouse) if path.endswith("*") else _stored(path, warehouse)
        if table is None:
            return None
        found[path] = table
    return forecast([sql], found, Price.of(warehouse.settings)).bytes


def _stored(path: str, warehouse: Warehouse) -> Table | None:
    facts = warehouse.table_info(path)
    if facts is None or facts.kind != "TABLE":
        return None
    size = sizes.of_table(warehouse, path, facts)
    return Table(facts.columns, size) if size.rows else None


def _daily(path: str, warehouse: Warehouse) -> Table | None:
    dataset, _, prefix = path.removesuffix("*").rpartition(".")
    names = [
        name
        for name in warehouse.tables_in(dataset)
        if name.startswith(prefix) and name[-8:].isdecimal()
    ]
    held = sizes.daily_tables(warehouse, dataset, names)
    if not held:
        return None
    # they stand in the order of creation, and a wildcard has the columns of the last one
    schema = tuple(warehouse.schema_of(f"{dataset}.{names[-1]}") or ())
    return Table(schema, sizes.together(held, schema))
