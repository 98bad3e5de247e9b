"""Conversions whose rows tell which client ids and user ids belong to one person.

They are those of users' own queries that refer to no other conversion: whoever asks them never
waits for a circle, nor for a model. Leads that are scored tell nothing here, because they are read
after all that needs no model: a full run would know of a lead less than daily runs do.
"""

from __future__ import annotations

from collections.abc import Iterable

from common.bigquery.sql import Sql
from common.bigquery.warehouse import Warehouse
from common.catalog.definitions import DefinitionVersion
from common.kinds.conversion import Conversion


def identity_sources(
    conversion: Conversion, definitions: Iterable[DefinitionVersion]
) -> frozenset[str]:
    """Ids of the active conversions that this one asks who is who; most ask none."""
    if not conversion.counts_persons():
        return frozenset()
    return frozenset(
        stored.id
        for stored in definitions
        if stored.status == "active" and not stored.unreadable and stored.conversion.tells_persons()
    )


def tables(
    conversion: Conversion, definitions: Iterable[DefinitionVersion], warehouse: Warehouse
) -> tuple[Sql, ...]:
    """The quoted tables of its identity sources; one that never ran has none and is left out."""
    names = [f"conversion_{id}" for id in sorted(identity_sources(conversion, definitions))]
    return tuple(
        warehouse.table(name)
        for name in names
        # a statement that names a missing table fails as a whole
        if warehouse.schema_of(warehouse.path(name)) is not None
    )
