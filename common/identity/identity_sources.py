"""Conversions whose rows tell which client ids and user ids belong to one person.

They are those of users' own queries that refer to no other conversion: whoever asks them never
waits for a circle, nor for a model. Leads that are scored tell nothing here, because they are read
after all that needs no model: a full run would know of a lead less than daily runs do.
"""

from __future__ import annotations

from collections.abc import Iterable

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import Stored
from common.model.conversions import Conversion, Custom, Simple, references


def witnesses(conversion: Conversion, definitions: Iterable[Stored]) -> frozenset[str]:
    """Ids of the active conversions that this one asks who is who; most ask none."""
    if not (isinstance(conversion, Simple) and conversion.deduplicate_by_user):
        return frozenset()
    return frozenset(
        stored.id
        for stored in definitions
        if stored.status == "active"
        and isinstance(stored.conversion, Custom)
        and not references(stored.conversion)
    )


def tables(
    conversion: Conversion, definitions: Iterable[Stored], warehouse: Warehouse
) -> tuple[Sql, ...]:
    """The quoted tables of its witnesses, without those that have none because they never ran."""
    names = [f"conversion_{id}" for id in sorted(witnesses(conversion, definitions))]
    return tuple(
        warehouse.table(name)
        for name in names
        if warehouse.schema_of(warehouse.path(name)) is not None
    )
