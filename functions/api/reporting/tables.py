"""Where a conversion's rows lie, and whether there are any yet."""

from __future__ import annotations

from common.bigquery.sql import Sql
from functions.api.services import Services


def rows_of(id: str, services: Services) -> Sql | None:
    """The conversion's table, or None while no run has made it; NotFoundError for no such id."""
    services.catalog.get(id)
    name = f"conversion_{id}"
    if services.warehouse.schema_of(services.warehouse.path(name)) is None:
        return None
    return services.warehouse.table(name)
