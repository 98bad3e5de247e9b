"""The view `conversions`: every conversion's rows in one place, told apart by definition_id.

BigQuery takes 256 K characters of a view and 1,000 tables in a query, so each conversion adds one
short line: the columns are named once.
"""

from __future__ import annotations

from collections.abc import Iterable

from common import schemas
from common.bigquery.sql import Sql, identifier, join, template
from common.bigquery.warehouse import Warehouse


def refresh(warehouse: Warehouse, ids: Iterable[str]) -> None:
    """Make the view show these conversions; tables that are missing are created empty."""
    listed = sorted(ids)
    for id in listed:
        warehouse.ensure_table(warehouse.path(f"conversion_{id}"), "conversion")
    warehouse.execute(statement(warehouse, listed))


def statement(warehouse: Warehouse, ids: Iterable[str]) -> Sql:
    """The definition of the view over the tables of these conversions."""
    # by name: tables that grew by ALTER have their columns in another order
    rows = join("\nUNION ALL BY NAME\n", (_rows(warehouse, id) for id in ids))
    return template(
        __file__,
        overview=warehouse.table("conversions"),
        columns=", ".join(schemas.columns("conversion")),
        rows=rows,
    )


def _rows(warehouse: Warehouse, id: str) -> Sql:
    # a view takes no parameters; the id has the form of an identifier, which the quoting checks
    return template(
        __file__,
        "overview_rows",
        id=f"'{identifier(id).text.strip('`')}'",
        conversion=warehouse.table(f"conversion_{id}"),
    )
