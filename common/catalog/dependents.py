"""Which definitions follow from which: the closure of their references, both ways."""

from __future__ import annotations

from collections.abc import Iterable

from common.catalog.definitions import DefinitionVersion


def with_dependents(ids: Iterable[str], definitions: Iterable[DefinitionVersion]) -> frozenset[str]:
    """The ids and everything that is computed from them, directly or not."""
    needed = {stored.id: stored.conversion.references() for stored in definitions}
    affected = set(ids)
    # level by level, since references may be many steps long
    while grown := {id for id, others in needed.items() if others & affected} - affected:
        affected |= grown
    # a name may be asked for that no definition has
    return frozenset(affected & set(needed))


def with_prerequisites(
    ids: Iterable[str], definitions: Iterable[DefinitionVersion]
) -> frozenset[str]:
    """The ids and everything that they are computed from, directly or not."""
    needed = {stored.id: stored.conversion.references() for stored in definitions}
    wanted = set(ids)
    while grown := {other for id in wanted for other in needed.get(id, ())} - wanted:
        wanted |= grown
    # a reference may name what was archived since
    return frozenset(wanted & set(needed))
