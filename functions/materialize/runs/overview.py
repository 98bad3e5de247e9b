"""The view `conversions`: every conversion's rows in one place, told apart by definition_id."""

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
    rows = join("\nUNION ALL\n", (_rows(warehouse, id) for id in listed))
    warehouse.execute(template(__file__, overview=warehouse.table("conversions"), rows=rows))


def _rows(warehouse: Warehouse, id: str) -> Sql:
    # a view takes no parameters; the id has the form of an identifier, which the quoting checks
    return template(
        __file__,
        "overview_rows",
        id=f"'{identifier(id).text.strip('`')}'",
        columns=", ".join(f"row_.{name}" for name in schemas.columns("conversion")),
        conversion=warehouse.table(f"conversion_{id}"),
    )
